"""What can be done from the page of a running bot: some of the moderators' commands, with previews and confirmations.

A use is permitted, carried out and recorded as in Discord. The answer is a part of a page, or a page without scripts.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

import structlog
from aiohttp import web

from bot.gateway.commands.access import NotAllowed
from bot.gateway.commands.command_answers import AT_WORK, settled
from bot.gateway.commands.dispatcher import Outcome, told
from bot.moderation.command import MESSAGES, WHOLE_CHANNELS, Command, Kind, ModerationError, Parameter, Report
from bot.moderation.commands import twins
from bot.moderation.context import CommandContext
from bot.moderation.explain import GIVEN_UP
from bot.moderation.points import named_message, natural
from bot.moderation.transcript import Said
from bot.page.guard import Closed, Refused
from bot.page.rendering import render
from bot.page.sessions import Actor, Session
from bot.page.site import Site

ACTIONS = ("rewind", "undo", "retry", "again", "drop", "pause", "resume", "rehearse")
"""The commands that the page offers."""
AT_REST = "Nothing can be done here: this log is only read. The page of the running bot can ([page] in its settings)."
LOOK_ONLY = "You may look here, and do nothing."
MOVED_ON = "Not done: the conversation has moved on since that preview. Look at it again."
CANCELLED = "Nothing was changed."
_LONGEST = 200
"""Characters of a field that are read; a message's link has about 90."""
_STATUS = MappingProxyType(
    {Outcome.DONE: HTTPStatus.OK, Outcome.REFUSED: HTTPStatus.FORBIDDEN, Outcome.FAILED: HTTPStatus.CONFLICT}
)
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Use:
    """One use of a command from the page: ``given`` are its options as they were sent.

    ``press`` is "confirm" or "cancel" for the answer to a preview, which ``proof`` names ("": there was none).
    """

    command: Command
    session: Session
    actor: Actor
    channel_id: int
    given: Mapping[str, str]
    press: str
    proof: str

    @property
    def noted_as(self) -> str:
        """Return its name in the log, as for a use in Discord."""
        if not self.command.preview or self.press == "confirm":
            return self.command.full_name
        return f"{self.command.full_name} {self.press or 'preview'}"

    async def run(self, command: Command, context: CommandContext, arguments: Mapping[str, Any]) -> Report:
        """Carry a command out."""
        more = {"by": self.actor.by} if command.takes("by") else {}
        return await command.run(context, **arguments, **more)

    def proof_of(self, preview: Report) -> str:
        """Return what only somebody who saw this preview in this session can send.

        The version is left out: what changes nothing of the preview may be recorded meanwhile.
        """
        told = {**preview.data, "version": None}
        shown = json.dumps([self.command.name, told, preview.lines], sort_keys=True)
        return hmac.new(self.session.csrf.encode(), shown.encode(), sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a use is answered with: ``confirms`` are the fields of the form that confirms a preview (empty: none)."""

    report: Report
    outcome: Outcome = Outcome.DONE
    confirms: Mapping[str, str] = field(default_factory=dict)


class Acting:
    """Carries out commands for viewers, one at a time for each session."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._busy: set[str] = set()

    def of(self, command: Command) -> Closed:
        """Return the handler for one command."""

        async def act(request: web.Request, session: Session) -> web.StreamResponse:
            if session.viewer.actor is None:
                raise Refused(HTTPStatus.FORBIDDEN, LOOK_ONLY)
            if session.csrf in self._busy:
                raise Refused(HTTPStatus.CONFLICT, AT_WORK)
            self._busy.add(session.csrf)
            try:
                return await self._serve(request, await _use(request, session, session.viewer.actor, command))
            finally:
                self._busy.discard(session.csrf)

        return act

    async def _serve(self, request: web.Request, use: Use) -> web.StreamResponse:
        """Carry a use out, record it and answer it."""
        try:
            answer = await self._admitted(request, use)
        except Refused:
            await _note(use, Outcome.REFUSED)
            raise
        except Exception as error:  # noqa: BLE001 - whoever asks is told of any error
            sentence, outcome = told(error, use.command.name)
            answer = Answer(Report(sentence), outcome)
        await _note(use, answer.outcome)
        form = await request.post()
        template = "answered.html" if form.get("part") else "answer.html"
        return render(template, use.session, status=_STATUS[answer.outcome], answer=answer, use=use)

    async def _admitted(self, request: web.Request, use: Use) -> Answer:
        refusal = await use.actor.refusal(use.command.full_name, use.channel_id)
        _, context = await self._site.about(request, use.session)
        if context.owner is None:
            raise Refused(HTTPStatus.FORBIDDEN, AT_REST)
        if refusal is not None:
            raise NotAllowed(refusal)
        arguments = arguments_of(use.command, use.channel_id, use.given)
        previewing = use.command.previewing
        if previewing is None:
            return Answer(await use.run(use.command, context, arguments))
        if use.press == "cancel":
            return Answer(Report(CANCELLED))
        return await _decided(use, previewing, context, arguments)


async def _decided(use: Use, previewing: Command, context: CommandContext, arguments: Mapping[str, Any]) -> Answer:
    """Show a preview or, if the one that was confirmed still holds, do what it shows."""
    preview = await use.run(previewing, context, arguments)
    held, proof = settled(preview, arguments, *_points(use.command)), use.proof_of(preview)
    if use.press == "confirm" and hmac.compare_digest(use.proof.encode(), proof.encode()):
        return Answer(await use.run(use.command, context, held))
    fields = {name: str(held[name]) for name in _points(use.command)} | {"proof": proof}
    confirms = fields if preview.data["changed"] else {}
    if use.press != "confirm":
        return Answer(preview, confirms=confirms)
    return Answer(replace(preview, title=f"{MOVED_ON} {preview.title}"), Outcome.FAILED, confirms)


def arguments_of(command: Command, channel_id: int, given: Mapping[str, str]) -> dict[str, Any]:
    """Return the arguments of a command's function; raise ModerationError for what it does not take."""
    if command.either and sum(each.name in given for each in command.choices) != 1:
        raise ModerationError(command.either.missing)
    arguments: dict[str, Any] = {}
    for parameter in command.parameters:
        if parameter.kind in WHOLE_CHANNELS:
            arguments[parameter.argument] = channel_id
        elif parameter.required and parameter.name not in given:
            raise ModerationError(f"{command.label} takes one thing more. {parameter.text}")
        else:
            arguments[parameter.argument] = _read(parameter, given.get(parameter.name))
    return arguments


async def offered(session: Session, context: CommandContext, channel_id: int) -> frozenset[str]:
    """Return the commands of the page that a viewer may use about a channel, and that can do something there now."""
    actor = session.viewer.actor
    if actor is None or context.owner is None:
        return frozenset()
    now = await context.state(channel_id)
    idle = {"pause" if now.paused else "resume", *(() if now.rewound_version else ("undo",))}
    names = [name for name in ACTIONS if name not in idle]
    return frozenset([name for name in names if await actor.refusal(name, channel_id, anew=False) is None])


def deeds(said: Said, allowed: frozenset[str], *, waits: bool) -> list[str]:
    """Return the commands that make sense about a message; ``waits``: its answer is not sent yet."""
    fitting = {
        "again": said.question_id and said.message_id,
        "retry": said.outcome.startswith(GIVEN_UP),
        "drop": waits,
        "rehearse": said.outcome or said.question_id,
    }
    return [name for name, fits in fitting.items() if fits and name in allowed]


def commands() -> Mapping[str, Command]:
    """Return the commands that the page offers, by name."""
    known = twins()
    return {name: known[name] for name in ACTIONS}


async def _use(request: web.Request, session: Session, actor: Actor, command: Command) -> Use:
    form = {name: value[:_LONGEST].strip() for name, value in (await request.post()).items() if isinstance(value, str)}
    given = {each.name: form[each.name] for each in command.parameters if form.get(each.name)}
    press = form.get("press", "")
    return Use(
        command=command,
        session=session,
        actor=actor,
        channel_id=int(request.match_info["channel_id"]),
        given=given,
        press=press if press in ("confirm", "cancel") else "",
        proof=form.get("proof", ""),
    )


def _points(command: Command) -> list[str]:
    return [each.argument for each in command.of_kind(Kind.POINT)]


def _read(parameter: Parameter, text: str | None) -> Any:  # noqa: ANN401 - as its kind has it
    if parameter.kind in MESSAGES:
        return named_message(text, or_all=parameter.kind is Kind.MESSAGE_OR_ALL)
    if parameter.kind is not Kind.NUMBER or text is None:
        return text
    number, most = natural(text), parameter.most or 0
    if number is None or not parameter.least <= number <= most:
        raise ModerationError(f"That is no number from {parameter.least} to {most}.")
    return number


async def _note(use: Use, outcome: Outcome) -> None:
    """Record a use; if the log fails, the answer stays."""
    options = " ".join(f"{name}:{text}" for name, text in use.given.items())
    try:
        await use.actor.note(use.noted_as, options, use.channel_id, outcome)
    except Exception as error:  # noqa: BLE001 - the answer stays even if it can't be recorded
        _log.error("command.unrecorded", command=use.noted_as, error=type(error).__name__)
