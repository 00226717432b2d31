"""What a message costs that no rule answers: 1 rule, 20 and 200, side by side.

    .venv/bin/python -m benchmarks.rules [--rounds 15]

Messages are the recorded chat where it is at hand, else words of the same lengths. Each round asks every set of rules
about all of them; a figure is the median of the rounds, a ratio the median of the rounds' ratios to 1 rule.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from statistics import median

from rich.console import Console
from rich.table import Table

from benchmarks.compare.chat import RECORDING, chat_at
from bot.responders import Question, Rule, RulesResponder, compile_rules

NUMBERS = (1, 20, 200)
MESSAGES = 2000
WORDS = ("sudo", "gnome", "kernel", "update", "wifi", "mount", "grub", "sound", "flash", "java", "ssh", "root", "vim")
COMMAND, BEGINNING, ASKING = r"!WORD(?: (?P<who>\w+))?", "WORD .+", "(?:how|what) .*WORD.*"
SHAPES = {
    "!word (?P<who>...)": (COMMAND,),
    "word ...": (BEGINNING,),
    "how|what ... word ...": (ASKING,),
    "these three in turn": (COMMAND, BEGINNING, ASKING),
    "... word ...": (r".*\bWORD\b.*",),
    "(a)\\1word (not joined)": (r"(a)\1WORD",),
}


def responder(shapes: Sequence[str], number: int) -> RulesResponder:
    """Make rules of some shapes about words that nobody writes, every other one ignoring case."""
    words = [f"{WORDS[each % len(WORDS)]}q{each}z" for each in range(number)]
    return compile_rules(
        Rule(each, shapes[each % len(shapes)].replace("WORD", word), "yes", ignore_case=bool(each % 2))
        for each, word in enumerate(words, start=1)
    )


def seconds(rules: RulesResponder, questions: Sequence[Question]) -> float:
    """Return the processor time that it takes to ask about every message."""
    began = time.process_time()
    claimed = sum(rules.claims(question) for question in questions)
    took = time.process_time() - began
    if claimed:
        raise RuntimeError(f"{claimed} messages are answered, which none should be.")
    return took


def main() -> None:
    """Print a line for each shape of rules."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15, metavar="N")
    rounds: int = parser.parse_args().rounds
    chat = chat_at(RECORDING)
    contents = [line.content for line in chat.lines[:MESSAGES]]
    questions = [Question(1, number, 3, "Ada", content) for number, content in enumerate(contents)]
    title = f"{len(questions)} {'recorded' if chat.real else 'invented'} messages that no rule answers"
    table = Table("rules", *(f"{number}, µs" for number in NUMBERS), *map("ratio {}".format, NUMBERS[1:]), title=title)
    for name, shapes in SHAPES.items():
        responders = [responder(shapes, number) for number in NUMBERS]
        taken = [[seconds(rules, questions) for rules in responders] for _ in range(rounds)]
        figures = (f"{median(column) / len(questions) * 1e6:.2f}" for column in zip(*taken, strict=True))
        ratios = (f"{median(row[place] / row[0] for row in taken):.2f}" for place in range(1, len(NUMBERS)))
        table.add_row(name, *figures, *ratios)
    Console().print(table)


if __name__ == "__main__":
    main()
