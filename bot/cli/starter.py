"""What somebody begins with: settings whose rules answer whoever speaks to the bot, and the facts they look up."""

from __future__ import annotations

CONFIG, FACTS = "config.toml", "factoids.json"

_CONFIG = """\
# Who is answered: whoever mentions the bot, replies to it, or writes to it in private.
[replies]
answer = ["mention", "reply", "dm"]

# The first rule whose `match` is the whole message gives the reply.
[[rules]]
match = 'ping'
reply = "pong, {author}"
ignore_case = true

# `!word` looks the word up in factoids.json.
[[rules]]
match = '!(?P<word>[a-z0-9-]+)'
facts = "factoids.json"
reply = "{fact}"
ignore_case = true

# Everything else. Leave this rule out when a language model answers the rest.
[[rules]]
match = '(?s).+'
reply = "Hello {author}! I know `ping` and `!rules`; teach me more in config.toml."
"""

_FACTS = """\
{
  "rules": "I answer by the rules in config.toml: the first one that matches a message gives the reply.",
  "echoless": "Echoless is a Discord chat bot that answers each message once and keeps everything in a log."
}
"""


def starter_files() -> dict[str, str]:
    """Return the content of each file by its name; those that the settings name are among them."""
    return {CONFIG: _CONFIG, FACTS: _FACTS}
