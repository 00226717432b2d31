"""Files of facts, from which a rule answers."""

from __future__ import annotations

import json
from pathlib import Path

from bot.errors import ConfigError


def load_facts(path: Path) -> dict[str, str]:
    """Read a file of facts, a JSON object from word to text; raise ConfigError naming the path and the fault."""
    try:
        facts = json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=_Pairs)
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: there is no such file; correct the rule's `facts` or create it.") from error
    except OSError as error:
        raise ConfigError(f"{path}: can't be read ({error.strerror}); make it readable for the bot.") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text (byte {error.start + 1}); save it as UTF-8.") from error
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise ConfigError(f"{path}: not JSON ({place}: {error.msg}); correct it there.") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: holds a number or a nesting too large to read; write words and texts.") from error
    if not isinstance(facts, _Pairs):
        raise ConfigError(f'{path}: not a JSON object; write {{"word": "text", ...}}.')
    return _checked(path, facts)


class _Pairs(list[tuple[str, object]]):
    """The entries of a JSON object as in the file: a dict would hide duplicates."""


def _checked(path: Path, pairs: _Pairs) -> dict[str, str]:
    facts: dict[str, str] = {}
    for number, (word, text) in enumerate(pairs, start=1):
        if not isinstance(text, str):
            raise ConfigError(f"{path}: the text of entry {number} is not a string; put it in quotation marks.")
        if word in facts:
            raise ConfigError(f"{path}: entry {number} repeats the word of an earlier one; keep one of them.")
        try:
            (word + text).encode()
        except UnicodeEncodeError as error:
            reason = f"entry {number} holds half of a \\u pair, which nobody can send; write both halves"
            raise ConfigError(f"{path}: {reason}.") from error
        facts[word] = text
    return facts
