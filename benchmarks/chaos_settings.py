"""The settings, rules and facts of the bot in a chaos run."""

from __future__ import annotations

import json
from pathlib import Path

from bot.sandbox.process import SandboxProcess

SEND_TIMEOUT = 2
"""Seconds, so that a send that hangs holds its channel up for less than a process lives."""

LONG_WORD = "manual"
FACTS = {
    LONG_WORD: "\n\n".join(
        f"{number}. " + "Read what it says there, then do it again, in this order. " * 12 for number in range(1, 9)
    )
}
"""A fact that takes several messages."""

RULES = rf"""
[[rules]]
match = '!(?P<word>{LONG_WORD})'
facts = "facts.json"
reply = "{{fact}}"
[[rules]]
match = '!(?P<word>[a-z0-9-]+)'
reply = "{{author}}: {{word}} it is"
[[rules]]
match = 'what is (?P<word>[a-z0-9-]+)\?'
reply = "{{author}}, nobody knows what {{word}} is."
"""


MODEL = """
[llm]
model = "openai:tiny"
base_url = "{url}"
edit_every = "200ms"
"""


def configure(
    folder: Path,
    sandbox: SandboxProcess,
    model_url: str = "",
    *,
    log: str = "",
    more: str = "",
    timeout: float = SEND_TIMEOUT,
) -> None:
    """Write the settings and facts into the folder where the bot runs; a model answers what no rule does.

    ``model_url`` "": there is no model, and rules answer alone. ``log`` are lines of ``[log]``, ``more`` is any TOML;
    ``timeout`` is that of a send, in seconds.
    """
    # No audit: what the gateway and the catch-up did not bring is to stay missing, and to be seen.
    settings = f"""
[discord]
api_url = "{sandbox.api_url}"
gateway_url = "{sandbox.gateway_url}"
[log]
path = "data"
{log}
[replies]
responder = {'["rules", "llm"]' if model_url else '"rules"'}
max_age = "1d"
send_timeout = "{round(1000 * timeout)}ms"
{MODEL.format(url=model_url) if model_url else ""}
[audit]
enabled = false
[limits]
per_channel = "off"
per_person = "off"
queue = 100000
[telemetry]
port = 0
log_format = "json"
{more}
{RULES}"""
    (folder / "config.toml").write_text(settings, encoding="utf-8")
    (folder / "facts.json").write_text(json.dumps(FACTS), encoding="utf-8")
