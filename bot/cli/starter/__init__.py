"""The files a new bot begins with: every setting with its default, a few rules that answer at once, and their facts."""

from __future__ import annotations

import re
from importlib import resources

CONFIG, FACTS = "config.toml", "factoids.json"
EXAMPLE = "config.example.toml"

_ANSWER = re.compile(r"(?m)^# (?P<key>answer) = \[(?P<calls>.*), \"rule\"\]$")
_RULE = re.compile(r"(?m)^# (?=\[\[rules\]\]|(?:match|reply|facts|ignore_case) = )")
_LAST_OF_RULE = "ignore_case = false\n"
_EVERYTHING_ELSE = r"""
# Whatever else is said to the bot. Take this rule out where a language model is to answer it.
[[rules]]
match = '(?s).*'
reply = "Hello, {author}! Say !help, and I tell you which words I know."
"""


def starter_files() -> dict[str, str]:
    """Return the content of each file by its name.

    The settings are the example with its rule switched on and one more behind it that answers everything. The bot
    speaks when it is spoken to (mentions, replies, private messages), so that this rule does not answer every message.
    """
    settings = _RULE.sub("", _ANSWER.sub(r"\g<key> = [\g<calls>]", example()))
    return {
        CONFIG: settings.replace(_LAST_OF_RULE, _LAST_OF_RULE + _EVERYTHING_ELSE),
        FACTS: _read(FACTS),
    }


def example() -> str:
    """Return the settings file that names every setting with its default."""
    return _read(EXAMPLE)


def _read(name: str) -> str:
    return resources.files(__name__).joinpath(name).read_text(encoding="utf-8")
