"""The base of all sections, and the descriptions that say what a value has to be."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from bot.times import LONGEST

SWITCH = "true or false"
IDS = "a list of Discord ids such as [123456789012345678]"
CHANNEL = "the Discord id of a channel, such as 123456789012345678"
_DURATION = 'a duration such as "30m", "7d" or "1h30m"'
DURATION = f"{_DURATION}, at most {LONGEST.days}d"
POSITIVE_DURATION = f"{_DURATION}, longer than 0s and at most {LONGEST.days}d"
EVERY = f'{_DURATION}, at most {LONGEST.days}d, or "off"'
AGE = f'{_DURATION}, longer than 0s and at most {LONGEST.days}d, or "forever"'
AGES = f'a table of Discord ids and for each {_DURATION}, or "forever"'
COUNT = "a whole number, 1 or more"
LIMIT = 'a number of replies in a duration such as "30/1m", or "off"'
TOKENS = 'a number of tokens a day, 1 or more, or "off"'
DOLLARS = 'an amount of dollars a day, more than 0, or "off"'
PRICE = "an amount of dollars for a million tokens, 0 or more"
TEXT = "a text that is not empty"
RESPONDERS = (
    'a responder ("rules", "llm", "http", an installed one or "module:Class"), or a list of them, each once, in the '
    "order in which they are asked"
)
RESPONDER_SETTINGS = "a table of responders and what each is made with, such as {dice = {sides = 6}}"
CONSUMERS = 'a table of consumers and what each is made with, such as {jsonl = {folder = "events"}}'
NAMES = 'a list of names such as ["echo"], each of 1 to 32 characters with a letter or digit among them'
NOTICE = (
    "a table of reasons (waiting, expired, refused, failed, no_answer, paused) and for each an emoji, a sentence "
    '(but for waiting), or "" for nothing'
)
WORDS_TABLE = (
    "a table of words and for each a text on one line, of at most 80 characters for a button (stop, go_on, again, why) "
    "and at most 150 for any other"
)

MODEL = 'a model written "provider:model" such as "openai:gpt-5-mini" or "ollama:llama3.2"'


class Section(BaseModel):
    """A table of the settings file: frozen, and without unknown names."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
