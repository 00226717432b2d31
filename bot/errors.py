"""Every error of Echoless, in one tree.

EcholessError                  the root; ``exit_code`` is the exit code of the command line
├── ConfigError                settings, rules or facts are wrong: nothing was started        (exit 2)
├── Unimportable               files are nothing that can be imported here: nothing was changed (exit 2)
├── TokenError                 Discord refuses the token, or there is none                    (exit 3)
├── IntentError                Discord refuses a privileged intent                            (exit 3)
├── LogError                   the event log                                                  (exit 4)
│   ├── LogLocked              another process owns the folder
│   ├── LogFenced              another process has taken over a log that is kept in an engine
│   ├── LogUnwritable          the folder or the disk refuses to be written
│   ├── LogUnreadable          a channel's part of the log can't be read just now
│   ├── LogDamaged             the file is damaged, truncated or edited
│   ├── LogForeign             the file is not a log of ours, or of a newer release
│   ├── LogExposed             somebody else could have put a file there, or has
│   ├── LogClosed              a log that was attached to a client is closed
│   ├── LogIncomplete          a copy of a log that may lack its newest events, or a backup that was not restored
│   └── KeyMismatch            the key does not open this log's vault
├── EffectError                an effect under a key was not made, or nobody knows
│   ├── EffectGivenUp          it was refused for good, or tried for too long: it was not made
│   ├── FateUnknown            a process ended in the middle of it: nobody knows whether it was made
│   ├── KeyTaken               its key is that of another effect
│   └── ResultLost             it was made, and what it returned is not in the log
├── OwnEventError              a program's own event, its class, its stream or its key does not fit
├── OwnFoldError               a program's own fold does not fit, or failed over an event
├── PostAbandoned              a message that was to be posted will not come, or not all of it
└── VersionConflict            somebody else appended first; names both versions

Each error builds its own message, which ends with what to do next. Messages hold ids, paths and numbers, never secrets
or people's words.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar


class EcholessError(Exception):
    """Say what is wrong and what to do next, in one sentence a user can act on."""

    exit_code: ClassVar[int] = 1


class ConfigError(EcholessError):
    """Settings, rules or facts are wrong; nothing was started.

    Attributes: ``problems`` (a sentence for each thing that is wrong).
    """

    exit_code = 2

    def __init__(self, *problems: str) -> None:
        """List all problems, each once."""
        self.problems = tuple(dict.fromkeys(problems))
        if len(self.problems) == 1:
            super().__init__(*self.problems)
        else:
            super().__init__("\n  ".join((f"{len(self.problems)} things are wrong:", *self.problems)))


class Unimportable(EcholessError):
    """Files are nothing that can be imported, or not here; nothing was changed."""

    exit_code = 2


class TokenError(EcholessError):
    """Discord refuses the token, or there is none."""

    exit_code = 3


class IntentError(EcholessError):
    """Discord refuses a privileged intent."""

    exit_code = 3


class LogError(EcholessError):
    """The event log can't be opened, read or written."""

    exit_code = 4


class LogLocked(LogError):
    """Another process owns the log folder."""


class LogFenced(LogError):
    """Another process has taken over a log that is kept in an engine."""


class LogUnwritable(LogError):
    """The log folder or its disk refuses to be written."""


class LogUnreadable(LogError):
    """The part of the log that holds a channel can't be read, because of damage or of its disk."""


class LogDamaged(LogError):
    """The log is damaged, truncated or was edited."""


class LogForeign(LogError):
    """The file is not a log of ours, or one of a newer release."""


class LogExposed(LogError):
    """Somebody else could have put a file of the log there, or has."""


class LogIncomplete(LogError):
    """The files are a copy that may lack the newest events, or a backup that was not restored."""


class KeyMismatch(LogError):
    """The key does not open this log's vault."""


class LogClosed(LogError):
    """A log that was attached to a client is closed."""


class PostAbandoned(EcholessError):
    """A message that was to be posted was given up; its key posts nothing again.

    Attributes: ``reason`` and ``detail`` (as the log has them), ``sent_ids`` (the messages of its parts that came).
    """

    def __init__(self, reason: str, detail: str, sent_ids: Sequence[int]) -> None:
        """Say why, and how much of it is there."""
        why = f"{reason} ({detail})" if detail else reason
        there = f" {len(sent_ids)} of its parts are there." if sent_ids else ""
        super().__init__(f"The message was given up: {why}.{there} To try once more, post it with another key.")
        self.reason = reason
        self.detail = detail
        self.sent_ids = tuple(sent_ids)


class EffectError(EcholessError):
    """An effect under a key was not made, or nobody knows.

    Attributes: ``key`` (the caller's, which is in no message, because it may hold words).
    """

    def __init__(self, key: str, message: str) -> None:
        """Keep the key."""
        super().__init__(message)
        self.key = key


class EffectGivenUp(EffectError):
    """An effect was refused for good, or tried for too long: it was not made. A later call tries it again.

    Attributes: ``reason`` and ``detail``, as the log has them.
    """

    def __init__(self, key: str, reason: str, detail: str) -> None:
        """Say why."""
        why = f"{reason} ({detail})" if detail else reason
        super().__init__(key, f"The effect was not made: {why}. A later call with its key tries it again.")
        self.reason = reason
        self.detail = detail


class FateUnknown(EffectError):
    """A process ended in the middle of an effect: nobody knows whether it was made."""


class KeyTaken(EffectError):
    """The key of an effect is that of another one."""


class ResultLost(EffectError):
    """An effect was made, and what it returned is not in the log."""


class VersionConflict(EcholessError):
    """Somebody else appended to the stream first.

    Attributes: ``stream`` (name), ``expected`` and ``actual`` (versions).
    """

    def __init__(self, stream: str, *, expected: int, actual: int) -> None:
        """Name the stream and both versions."""
        super().__init__(f"Stream {stream} is at version {actual}, not {expected}: load it again and decide anew.")
        self.stream = stream
        self.expected = expected
        self.actual = actual


class OwnEventError(EcholessError):
    """A program's own event, its class, its stream or its key does not fit: it was not appended, or can't be read."""


class OwnFoldError(EcholessError):
    """A program's own fold does not fit, or failed over an event; the log is as it was."""
