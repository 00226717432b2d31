"""Answer by the owner's rules: the first pattern that matches the whole message gives the reply.

The owner writes the patterns and anybody writes messages, so sooner or later a pattern takes far too long on a message.
The patterns run on the ``regex`` module, in its mode that agrees with ``re``, because it has a time-out. It counts the
processor time of the process, as this module does, so no rule fails because the machine sleeps or is busy.

A match keeps the interpreter (``concurrent=False``). ``regex`` would give it away for each, and in a burst of messages
the log's writer takes it: the next message then waited longer for its turn than most matches take.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

import regex
import structlog

from bot.errors import ConfigError
from bot.responders.prefilter import Joinable, joinable, joined, lacks, words_of
from bot.responders.protocol import Answer, Context, Question, Responder
from bot.responders.template import Template, TemplateError, parse

_MESSAGE_SECONDS = 0.025
_TRIES = 5
_RULE_SECONDS = 0.010  # less than a message's, so that the rules after a slow one still have time
_JOINED_SECONDS = 0.002  # after that the rules are tried one by one
_STRIKES = 3
_HARDLY = _RULE_SECONDS / 10

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as in the settings; ``number`` counts from 1, ``line`` is its line in the file, if known."""

    number: int
    match: str
    reply: str
    ignore_case: bool = False
    facts: Mapping[str, str] | None = None
    line: int | None = None


class _Match(Protocol):
    def groupdict(self, default: str) -> dict[str, str]: ...


class _Pattern(Protocol):
    @property
    def groupindex(self) -> Mapping[str, int]: ...

    def fullmatch(self, string: str, *, timeout: float, concurrent: bool) -> _Match | None: ...


@dataclass(slots=True)
class _Compiled:
    """A rule ready to run; ``key`` is the group that is looked up in the facts ("" without facts).

    ``joinable`` is its pattern, if that can be joined with others.
    """

    number: int
    pattern: _Pattern
    template: Template
    facts: Mapping[str, str] | None
    key: str
    joinable: Joinable | None
    strikes: int = 0

    @property
    def suspended(self) -> bool:
        return self.strikes >= _STRIKES

    def reply(self, text: str, author: str, seconds: float) -> str:
        """Return the reply to a message, "" if the rule does not apply; raise TimeoutError past the limit."""
        found = self.pattern.fullmatch(text, timeout=seconds, concurrent=False)
        if found is None:
            return ""
        values = found.groupdict(default="") | {"author": author}
        if self.facts is not None:
            word = values[self.key]
            fact = self.facts.get(word, self.facts.get(word.lower()))
            if fact is None:
                return ""
            values["fact"] = fact
        reply = self.template.fill(values, own=("fact",))
        return reply if reply.strip() else ""


class _Watch:
    """Measures how long this thread has worked on a message, without the time of other threads."""

    __slots__ = ("_began", "_own")

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._own = time.thread_time()

    def used(self) -> float:
        """Return the seconds, not quite exact up to ``_HARDLY``, because the thread's clock is slow to read."""
        passed = time.monotonic() - self._began
        return passed if passed < _HARDLY else time.thread_time() - self._own


class _Prefilter:
    """Tells at once that none of many rules matches; ``struck``: one of them has strikes."""

    def __init__(self, rules: Iterable[_Compiled]) -> None:
        self._rules = [rule for rule in rules if rule.joinable is not None and not rule.suspended]
        patterns = [rule.joinable for rule in self._rules if rule.joinable is not None]
        self._words = words_of(patterns)
        self._pattern = joined(patterns)
        self._strikes = 0
        self.struck = any(rule.strikes for rule in self._rules)

    def excludes(self, text: str) -> bool:
        """Tell whether it is certain that none of the joined rules matches."""
        excluded = lacks(text, self._words) or not self._may_match(text)
        if excluded and self.struck:
            self.struck = False
            for rule in self._rules:
                rule.strikes = 0
        return excluded

    def _may_match(self, text: str) -> bool:
        if self._pattern is None:
            return True
        try:
            found = self._pattern.fullmatch(text, timeout=_JOINED_SECONDS, concurrent=False)
        except TimeoutError:
            self._strikes += 1
            if self._strikes >= _STRIKES:
                # Patterns may be slow together even if each alone is fast.
                self._pattern = None
            return True
        self._strikes = 0
        return found is not None


class RulesResponder(Responder):
    """Answers by rules, in their order.

    A rule that exceeds its time does not apply to that message. After three times in a row it is suspended until the
    process ends, so that it can't slow down the bot when many people write at once.
    """

    name = "rules"

    def __init__(self, rules: Iterable[_Compiled]) -> None:
        self._rules = tuple(rules)
        self._unjoined = tuple(rule for rule in self._rules if rule.joinable is None)
        self._prefilter = _Prefilter(self._rules)

    def claims(self, question: Question) -> bool:
        """Tell whether a rule answers the question."""
        return self.answer(question) is not None

    def answer(self, question: Question, context: Context | None = None) -> Answer | None:  # noqa: ARG002
        """Answer by the first rule that applies."""
        text = question.text.strip()
        rules = self._unjoined if self._prefilter.excludes(text) else self._rules
        return self._first(rules, text, question.author) if rules else None

    def _first(self, rules: Iterable[_Compiled], text: str, author: str) -> Answer | None:
        watch = _Watch()
        for rule in rules:
            if rule.suspended:
                continue
            left = _MESSAGE_SECONDS - watch.used()
            if left <= 0:
                return None
            reply = self._try(rule, text, author, left, watch)
            if reply:
                return Answer(reply, rule=str(rule.number))
        return None

    def _try(self, rule: _Compiled, text: str, author: str, left: float, watch: _Watch) -> str:
        limit = min(left, _RULE_SECONDS)
        before = _MESSAGE_SECONDS - left
        for _ in range(_TRIES):
            try:
                reply = rule.reply(text, author, limit)
            except TimeoutError:
                # The time-out counts the time of the whole process, and that of other threads is not the rule's fault.
                now = watch.used()
                if now - before >= limit / 2:
                    break
                before = now
            else:
                rule.strikes = 0
                return reply
        # A rule gets no strike if the rules before it left it less than its full time.
        if left >= _RULE_SECONDS:
            self._strike(rule)
        return ""

    def _strike(self, rule: _Compiled) -> None:
        rule.strikes += 1
        _log.warning("rule.suspended" if rule.suspended else "rule.timed_out", rule=rule.number)
        if rule.suspended:
            self._prefilter = _Prefilter(self._rules)
        else:
            self._prefilter.struck = True


def compile_rules(specs: Iterable[Rule]) -> RulesResponder:
    """Return a responder of rules; raise ConfigError that names the numbers and lines of all that can't work."""
    compiled: list[_Compiled] = []
    problems: list[str] = []
    for spec in specs:
        try:
            compiled.append(_compile(spec))
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(*problems)
    return RulesResponder(compiled)


def _compile(spec: Rule) -> _Compiled:
    pattern = _pattern(spec)
    groups = set(pattern.groupindex)
    if taken := sorted(groups & {"author", "fact"}):
        raise _wrong(spec, f"`match` names a group {taken[0]}, which has a meaning of its own; give it another name")
    try:
        template = parse(spec.reply)
    except TemplateError as error:
        raise _wrong(spec, f"`reply` can't be read: {error}") from error
    if not spec.reply.strip():
        raise _wrong(spec, "`reply` is empty, so it can never answer; write what to say or remove the rule")
    _refuse_unknown(spec, template, groups)
    return _Compiled(
        spec.number,
        pattern,
        template,
        spec.facts,
        _key(spec, groups),
        joinable(spec.match, ignore_case=spec.ignore_case),
    )


def _pattern(spec: Rule) -> _Pattern:
    try:
        pattern: _Pattern = regex.compile(spec.match, regex.IGNORECASE if spec.ignore_case else 0)
    except regex.error as error:
        place = "" if error.pos is None else f" at character {error.pos + 1}"
        raise _wrong(spec, f"`match` does not compile ({error.msg}{place}); correct it there") from error
    except ValueError as error:
        raise _wrong(spec, "`match` asks for flags that exclude each other; remove one of them") from error
    except (RecursionError, MemoryError) as error:
        raise _wrong(spec, "`match` is nested or repeated beyond reason; simplify the expression") from error
    return pattern


def _refuse_unknown(spec: Rule, template: Template, groups: set[str]) -> None:
    if "fact" in template.names and spec.facts is None:
        raise _wrong(spec, "`reply` uses {fact}, but the rule has no `facts`; name the file of facts")
    known = groups | {"author"} | ({"fact"} if spec.facts is not None else set())
    if unknown := sorted(template.names - known):
        names = ", ".join(f"{{{name}}}" for name in sorted(known))
        raise _wrong(
            spec, f"`reply` uses {{{unknown[0]}}}, which `match` does not name; use one of {names}, or add the group"
        )


def _key(spec: Rule, groups: set[str]) -> str:
    if spec.facts is None:
        return ""
    if "word" in groups:
        return "word"
    if len(groups) != 1:
        raise _wrong(spec, "`facts` needs to know what to look up; name a group of `match` (?P<word>...)")
    return next(iter(groups))


def _wrong(spec: Rule, sentence: str) -> ConfigError:
    place = f" (line {spec.line})" if spec.line is not None else ""
    return ConfigError(f"Rule {spec.number}{place}: {sentence}.")
