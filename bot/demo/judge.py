"""Judges a run by what Discord holds and what the log says: nothing lost, doubled, or out of order.

Discord's side comes from the sandbox's control API (``ControlClient.messages()``: every message, also deleted ones),
the bot's side from its log. Judge after the bot has stopped, because a reply that is still to come counts as lost.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from typing import Any

from bot.cli.log_verify import VerifyReport
from bot.cli.output import count_text
from bot.core.addressing import parse_nonce
from bot.core.streams import stream_of
from bot.demo.order import Answered, misplaced
from bot.demo.trails import Trail, read_trails
from bot.eventlog.reader import Reader
from bot.eventlog.verify_events import Finding
from bot.sandbox.control.records import MessageRecord
from bot.sandbox.models import MessageFlag


class Fault(StrEnum):
    """The faults of a run."""

    LOST = "lost"
    """A message is not in the log."""

    RECORDED_TWICE = "recorded twice"
    UNANSWERED = "unanswered"
    """A message to the bot has no reply, or only a part of it, and no event says why."""

    DOUBLED = "doubled"
    """A part of a reply is in Discord more than once."""

    UNASKED = "unasked"
    """A reply is in Discord that the log did not request."""

    UNCONFIRMED = "unconfirmed"
    """A reply is in Discord, and the log records it neither as sent nor as given up."""

    PHANTOM = "phantom"
    """The log records a reply as sent that is not in Discord."""

    WRONG_REFERENCE = "wrong reference"
    OUT_OF_ORDER = "out of order"
    """An answer, or a part of one, went out before one of the same channel that goes first: see bot.demo.order."""

    DAMAGED = "damaged log"


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault, with the message that it is about; None where it is about a whole channel."""

    fault: Fault
    message_id: int | None
    channel: str
    what: str = ""

    def __str__(self) -> str:
        """Return the fault, its place, and what is known of it."""
        about = self.channel if self.message_id is None else f"message {self.message_id} in {self.channel}"
        return f"{self.fault}: {about} {self.what}".rstrip()


@dataclass(frozen=True, slots=True)
class RunVerdict:
    """A run in numbers, with all of its faults.

    ``posted`` counts messages of others. ``vanished`` counts those that were deleted before they could be recorded.
    ``skipped`` and ``abandoned`` count messages without a complete reply, by the reason in the log.
    """

    posted: int
    recorded: int
    vanished: int
    addressed: int
    answered: int
    replies: int
    skipped: Mapping[str, int]
    abandoned: Mapping[str, int]
    problems: tuple[Problem, ...]

    def __add__(self, other: RunVerdict) -> RunVerdict:
        """Return what both say of a log that has several partitions."""
        return RunVerdict(
            posted=self.posted + other.posted,
            recorded=self.recorded + other.recorded,
            vanished=self.vanished + other.vanished,
            addressed=self.addressed + other.addressed,
            answered=self.answered + other.answered,
            replies=self.replies + other.replies,
            skipped=Counter(self.skipped) + Counter(other.skipped),
            abandoned=Counter(self.abandoned) + Counter(other.abandoned),
            problems=self.problems + other.problems,
        )

    @property
    def ok(self) -> bool:
        """Tell whether there are no faults."""
        return not self.problems

    @property
    def lost(self) -> int:
        """Return how many messages, or replies to them, were lost."""
        return self._messages(Fault.LOST, Fault.UNANSWERED, Fault.PHANTOM)

    @property
    def doubled(self) -> int:
        """Return how many messages were recorded or answered more than once, or answered without a request."""
        return self._messages(Fault.DOUBLED, Fault.RECORDED_TWICE, Fault.UNASKED)

    @property
    def out_of_order(self) -> int:
        """Return how many pairs of answers went out in the wrong order."""
        return sum(1 for problem in self.problems if problem.fault is Fault.OUT_OF_ORDER)

    def _messages(self, *faults: Fault) -> int:
        return len({problem.message_id for problem in self.problems if problem.fault in faults})

    def to_json(self) -> dict[str, Any]:
        """Return the verdict as JSON, ids as text."""
        return {
            "ok": self.ok,
            "posted": self.posted,
            "recorded": self.recorded,
            "vanished": self.vanished,
            "addressed": self.addressed,
            "answered": self.answered,
            "replies": self.replies,
            "skipped": dict(self.skipped),
            "abandoned": dict(self.abandoned),
            "doubled": self.doubled,
            "lost": self.lost,
            "out_of_order": self.out_of_order,
            "problems": [
                {
                    "fault": item.fault,
                    "message_id": None if item.message_id is None else str(item.message_id),
                    "channel": item.channel,
                    "what": item.what,
                }
                for item in self.problems
            ],
        }


async def judge(
    reader: Reader,
    messages: Sequence[MessageRecord],
    own_id: int,
    *,
    addressed: Collection[int] = (),
    verified: VerifyReport | None = None,
) -> RunVerdict:
    """Compare Discord's messages with the log.

    ``own_id`` is the bot's account. ``addressed`` names messages that were posted to the bot on purpose: each needs a
    reply or a reason. ``verified`` adds the findings of a verification of the log.
    """
    trails = await read_trails(reader)
    own = [message for message in messages if int(message["author_id"]) == own_id]
    others = [message for message in messages if int(message["author_id"]) != own_id and not message["ephemeral"]]
    replies = _replies(own, trails)
    triggers = sorted({*addressed, *replies, *(key for key, trail in trails.items() if trail.request or trail.skipped)})
    deleted = {int(message["id"]) for message in others if message["deleted"]}
    places = {int(message["id"]): message["channel"] or message["channel_id"] for message in messages}
    problems = chain(
        _intake_problems(others, trails),
        *(
            _reply_problems(_Case(key, places.get(key, ""), trails.get(key, Trail()), replies.get(key, [])), deleted)
            for key in triggers
        ),
        _order_problems(replies, trails),
        (
            Problem(Fault.DAMAGED, None, finding.stream, _damage(finding))
            for finding in (verified.findings if verified else ())
        ),
    )
    known = [trails[key] for key in triggers if key in trails]
    return RunVerdict(
        posted=len(others),
        recorded=sum(1 for message in others if _trail(trails, message).recorded),
        vanished=sum(1 for message in others if message["deleted"] and not _trail(trails, message).recorded),
        addressed=len(triggers),
        answered=sum(1 for trail in known if trail.whole),
        replies=sum(map(len, replies.values())),
        skipped=Counter(trail.skipped for trail in known if trail.skipped),
        abandoned=Counter(trail.abandoned.reason for trail in known if trail.abandoned),
        problems=tuple(problems),
    )


@dataclass(frozen=True, slots=True)
class _Reply:
    """A message of the bot that is part of an answer; ``part`` comes from its nonce."""

    id: int
    channel: str
    part: int
    reference: int | None
    deleted: bool


@dataclass(frozen=True, slots=True)
class _Case:
    """A message that was answered, or should have been."""

    message_id: int
    channel: str
    trail: Trail
    replies: Sequence[_Reply]

    def problem(self, fault: Fault, what: str = "") -> Problem:
        return Problem(fault, self.message_id, self.channel, what)


def _damage(finding: Finding) -> str:
    return f"v{finding.version}: {finding.problem}" if finding.version else finding.problem


def _replies(own: Iterable[MessageRecord], trails: Mapping[int, Trail]) -> dict[int, list[_Reply]]:
    """Return the bot's replies by the message that they answer, found by nonce, reference or command."""
    found: defaultdict[int, list[_Reply]] = defaultdict(list)
    for message in sorted(own, key=lambda message: int(message["id"])):
        reference = int(message["reference"]) if message["reference"] else None
        about = parse_nonce(message["nonce"])
        trigger = about.message_id if about else reference or _answered(message, trails)
        if trigger is not None:
            part = about.part if about else len(found[trigger])
            deleted = bool(message["deleted"])
            found[trigger].append(_Reply(int(message["id"]), message["channel_id"], part, reference, deleted))
    return dict(found)


def _answered(message: MessageRecord, trails: Mapping[int, Trail]) -> int | None:
    """Return the question of the command that a message answers; None when the message says that there is no answer."""
    interaction = int(message["interaction"] or 0)
    trail = trails.get(interaction)
    waits = message["flags"] & MessageFlag.LOADING
    return interaction if trail and trail.asked and trail.request and not trail.abandoned and not waits else None


def _trail(trails: Mapping[int, Trail], message: MessageRecord) -> Trail:
    return trails.get(int(message["id"])) or Trail()


def _intake_problems(others: Iterable[MessageRecord], trails: Mapping[int, Trail]) -> Iterable[Problem]:
    for message in others:
        recorded = _trail(trails, message).recorded
        place = message["channel"] or message["channel_id"]
        if not recorded and not message["deleted"]:
            yield Problem(Fault.LOST, int(message["id"]), place)
        if len(recorded) > 1 or any(stream != stream_of(int(message["channel_id"])) for stream in recorded):
            yield Problem(Fault.RECORDED_TWICE, int(message["id"]), place, f"in {', '.join(recorded)}")


def _reply_problems(case: _Case, deleted: Collection[int]) -> Iterable[Problem]:
    trail, replies = case.trail, case.replies
    # A part that was shown while the answer was written, and that the answer did not need, is deleted again.
    there = Counter(reply.part for reply in replies if not (reply.deleted and reply.part >= trail.parts))
    for part, number in sorted(there.items()):
        if number > 1:
            yield case.problem(Fault.DOUBLED, f"part {part} is there {number} times")
        elif part >= trail.parts > 0:
            yield case.problem(Fault.DOUBLED, f"it has {count_text(trail.parts, 'part')}, and there is one more")
    if not trail.request:
        if replies:
            yield case.problem(Fault.UNASKED, f"the log {'skipped' if trail.skipped else 'did not request'} it")
        elif trail.recorded and not trail.skipped:
            yield case.problem(Fault.UNANSWERED, "the log does not say why")
        return
    yield from _requested_problems(case, deleted)


def _requested_problems(case: _Case, deleted: Collection[int]) -> Iterable[Problem]:
    """Compare a requested reply with what Discord holds of it."""
    trail, replies = case.trail, case.replies
    there = {reply.part for reply in replies}
    missing = [part for part in range(max(trail.parts, 1)) if part not in there]
    if missing and not trail.abandoned:
        yield case.problem(Fault.UNANSWERED, f"{len(missing)} of {max(trail.parts, 1)} parts are missing")
    ids = {reply.id for reply in replies}
    for part, sent_id in trail.messages.items():
        if sent_id not in ids:
            yield case.problem(Fault.PHANTOM, f"part {part} as message {sent_id}")
    for reply in replies:
        if reply.part not in trail.messages and reply.part < max(trail.parts, 1) and not trail.abandoned:
            yield case.problem(Fault.UNCONFIRMED, f"message {reply.id}")
        bare = case.message_id in deleted or trail.asked or (trail.plain and reply.reference is None)
        if reply.reference != case.message_id and not bare:
            yield case.problem(Fault.WRONG_REFERENCE, f"message {reply.id} references {reply.reference}")


def _order_problems(replies: Mapping[int, Sequence[_Reply]], trails: Mapping[int, Trail]) -> Iterable[Problem]:
    """Find answers that others overtook, and answers whose parts are out of order."""
    found = (_answer(key, there, trails.get(key, Trail())) for key, there in replies.items())
    answers = [answer for answer in found if answer is not None]
    for answer in answers:
        if not answer.straight:
            yield Problem(Fault.OUT_OF_ORDER, answer.message_id, answer.channel, "its parts are in another order")
    for late, early in misplaced(answers):
        what = f"the answer to message {early.message_id} went before"
        yield Problem(Fault.OUT_OF_ORDER, late.message_id, late.channel, what)


def _answer(message_id: int, replies: Sequence[_Reply], trail: Trail) -> Answered | None:
    """Return an answer that has a place in the order; a response to a command stands where the command was used."""
    ids = {reply.part: reply.id for reply in reversed(replies) if reply.part < max(trail.parts, 1)}
    if trail.asked or not trail.request or not ids:
        return None
    return Answered(message_id, replies[0].channel, trail, tuple(ids[part] for part in sorted(ids)))
