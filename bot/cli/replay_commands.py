"""The moderators' commands on the command line, each the twin of a slash command."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import click

from bot.cli.output import progress
from bot.cli.points import PERSON, MessageType, PointType
from bot.cli.replay_calls import BY, Target
from bot.cli.replay_export import write_export
from bot.cli.replay_options import (
    channel_of_call,
    channel_of_points,
    channel_option,
    channel_said_before,
    point_option,
    point_said_before,
    since_option,
    targeted,
)
from bot.cli.selection import EventType
from bot.moderation import Report
from bot.moderation.points import Point
from bot.moderation.rehearse import MOST_REHEARSED

yes_option = click.option("--yes", is_flag=True, help="Do it without asking.")


def ask(target: Target, command: str, **arguments: Any) -> Report:  # noqa: ANN401 - as the command takes them
    """Have a command carried out and write its report."""
    report = asyncio.run(target.ask(command, arguments))
    target.show(report)
    return report


@click.command()
@channel_option
@point_option
@targeted
def state(*, target: Target, channel_id: int | None, at: Point | None) -> None:
    """Show what the bot knew of a channel, now or then."""
    at = at or point_said_before()
    ask(target, "state", channel_id=channel_of_points(target, channel_id, at), at=_text(at))


@click.command()
@channel_option
@click.option("--type", "types", type=EventType(), multiple=True, help="Only events of this type; may be repeated.")
@since_option
@click.option("--person", type=PERSON, help="Only what this person wrote and what was asked for them: id or <@id>.")
@click.option("--cursor", help="The next page, as the page before named it.")
@click.option("--limit", type=click.IntRange(1, 200), default=20, show_default=True, help="Events a page.")
@targeted
def timeline(
    *,
    target: Target,
    channel_id: int | None,
    types: tuple[str, ...],
    since: Point | None,
    person: int | None,
    cursor: str | None,
    limit: int,
) -> None:
    """List what happened in a channel, the newest first."""
    report = ask(
        target,
        "timeline",
        channel_id=channel_of_points(target, channel_id, since),
        types=types,
        since=_text(since),
        person=person,
        cursor=cursor,
        size=limit,
    )
    if report.more and not target.as_json:
        click.echo(f"Older ones: add --cursor {report.more}", err=True)


@click.command()
@channel_option
@click.argument("first", type=PointType())
@click.argument("second", type=PointType())
@targeted
def diff(*, target: Target, channel_id: int | None, first: Point, second: Point) -> None:
    """Compare what the bot knew at two points in time.

    FIRST and SECOND are each a version, a time (local unless a zone stands behind), how long ago, or a message.
    """
    channel = channel_of_points(target, channel_id, first, second)
    ask(target, "diff", channel_id=channel, first=str(first), second=str(second))


@click.command()
@channel_option
@click.argument("message", type=MessageType())
@targeted
def why(*, target: Target, channel_id: int | None, message: Point) -> None:
    """Explain how a message was answered, or why not.

    MESSAGE is an id or a link, and may be the bot's answer, too.
    """
    ask(target, "why", channel_id=channel_of_points(target, channel_id, message), message_id=message.message_id)


@click.command()
@channel_option
@click.argument("to", type=PointType())
@yes_option
@targeted
def rewind(*, target: Target, channel_id: int | None, to: Point, yes: bool) -> None:
    """Take the bot's memory of a channel back.

    TO is a version, a time (local unless a zone stands behind), how long ago, or a message. Nothing is sent again, and
    undo takes it back.
    """
    channel = channel_of_points(target, channel_id, to)
    if yes or _confirmed(target, "Rewind?", "preview_rewind", channel_id=channel, to=str(to)):
        ask(target, "rewind", channel_id=channel, to=str(to), by=BY)


@click.command()
@channel_option
@yes_option
@targeted
def reset(*, target: Target, channel_id: int | None, yes: bool) -> None:
    """Empty the bot's memory of a channel.

    Nothing is deleted or sent again, and undo takes it back.
    """
    channel = channel_of_call(channel_id)
    if yes or _confirmed(target, "Reset?", "preview_reset", channel_id=channel):
        ask(target, "reset", channel_id=channel, by=BY)


def _confirmed(target: Target, question: str, command: str, **arguments: Any) -> bool:  # noqa: ANN401 - the command's
    """Show what would change, and ask; tell whether to go on."""
    if not sys.stdin.isatty():
        raise click.UsageError("There is nobody here to confirm it: add --yes, or look first in a terminal without it.")
    preview = asyncio.run(target.ask(command, arguments))
    if not preview.data["changed"]:
        target.show(preview)
        return False
    click.echo("\n".join((preview.title, *preview.lines)), err=True)
    if not click.confirm(question, err=True):
        click.echo("Nothing was changed.", err=True)
        click.get_current_context().exit(1)
    return True


@click.command()
@channel_option
@click.option("--message", type=MessageType(), help="This message: its id or link.")
@click.option(
    "--last",
    type=click.IntRange(1, MOST_REHEARSED),
    help=f"The last so many messages that the bot was to answer, 1 to {MOST_REHEARSED}.  [default: 1]",
)
@targeted
def rehearse(*, target: Target, channel_id: int | None, message: Point | None, last: int | None) -> None:
    """Show what the present settings would answer.

    It stands beside what was said; nothing is sent or recorded.
    """
    if message is not None and last is not None:
        raise click.UsageError("--message and --last exclude each other.")
    channel = channel_of_points(target, channel_id, message)
    ask(target, "rehearse", channel_id=channel, message_id=message.message_id if message else None, last=last)


@click.command()
@channel_option
@targeted
def pending(*, target: Target, channel_id: int | None) -> None:
    """List replies that are not sent, with reasons and ages."""
    ask(target, "pending", channel_id=channel_id or channel_said_before())


@click.command()
@channel_option
@targeted
def verify(*, target: Target, channel_id: int | None) -> None:
    """Check chain, gaps, words and snapshots.

    Of the whole log, or of one channel. Exit code 1 when something is wrong.
    """

    async def run() -> Report:
        with progress() as bar:
            task = bar.add_task("verify", total=None)
            return await target.ask(
                "verify",
                {"channel_id": channel_id or channel_said_before()},
                lambda done, total: bar.update(task, completed=done, total=total),
            )

    report = asyncio.run(run())
    target.show(report)
    click.get_current_context().exit(0 if report.data["ok"] else 1)


@click.command()
@channel_option
@since_option
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file, not to stdout.")
@click.option("--force", is_flag=True, help="Replace the file where there is one.")
@click.option("--words/--no-words", default=True, show_default=True, help="Include what people and the bot wrote.")
@targeted
def export(
    *, target: Target, channel_id: int | None, since: Point | None, output: Path | None, force: bool, words: bool
) -> None:
    """Write a channel's events as JSON Lines, the oldest first."""
    write_export(target, channel_of_points(target, channel_id, since), _text(since), output, force=force, words=words)


@click.command()
@targeted
def status(*, target: Target) -> None:
    """Show how log and bot are.

    Size, rate, lag, the last catch-up, the gateway's session, the owner.
    """
    ask(target, "status")


@click.command()
@channel_option
@click.argument("message", type=MessageType(or_all=True))
@targeted
def retry(*, target: Target, channel_id: int | None, message: Point | None) -> None:
    """Try a reply again that was given up.

    MESSAGE is the question's id or link, or "all" for what an outage left: of one channel, or of the whole log.
    """
    if message is None:
        ask(target, "retry", channel_id=channel_id or channel_said_before(), message_id=None, by=BY)
        return
    ask(
        target,
        "retry",
        channel_id=channel_of_points(target, channel_id, message),
        message_id=message.message_id,
        by=BY,
    )


def _text(point: Point | None) -> str | None:
    """Return a point as text that means the same in the bot's process."""
    return None if point is None else str(point)


def _about_a_message(name: str, described: str) -> click.Command:
    @click.command(name, help=described)
    @channel_option
    @click.argument("message", type=MessageType())
    @targeted
    def command(*, target: Target, channel_id: int | None, message: Point) -> None:
        channel = channel_of_points(target, channel_id, message)
        ask(target, name, channel_id=channel, message_id=message.message_id, by=BY)

    return command


def _about_a_channel(name: str, described: str, **arguments: str) -> click.Command:
    @click.command(name, help=described)
    @channel_option
    @targeted
    def command(*, target: Target, channel_id: int | None) -> None:
        ask(target, name, channel_id=channel_of_call(channel_id), **arguments)

    return command


COMMANDS: tuple[click.Command, ...] = (
    state,
    timeline,
    diff,
    why,
    rewind,
    _about_a_channel("undo", "Take the newest rewind or reset back; once more, the one before.", by=BY),
    reset,
    rehearse,
    pending,
    retry,
    _about_a_message("again", "Have an answer composed anew, into the same messages."),
    _about_a_message("drop", "Give an unfinished reply up."),
    _about_a_channel("pause", "Answer nothing new in a channel.", by=BY),
    _about_a_channel("resume", "Answer again in a channel.", by=BY),
    _about_a_channel("rebuild", "Fold a channel's events again, and compare."),
    verify,
    _about_a_channel("snapshot", "Keep a snapshot of a channel's state as it is now."),
    export,
    status,
)
