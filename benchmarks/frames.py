"""How often a small model begins its answer with a line of the prompt: five prompts, twenty questions each.

    .venv/bin/python -m benchmarks.frames [--url http://127.0.0.1:8080/v1] [--model NAME] [--questions 20] [--json]

Without an address, the model that a package ships is asked (:mod:`benchmarks.small_model`), if it is installed. The
prompts are those that the bot builds, while one person speaks and where several write, also with words of the bot in
between, and two of them as they were before: under lines that say who wrote. An answer repeats a line if it begins
with one, whole or in part, or like a line of a script, with the name of somebody who speaks. The temperature is 0.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from operator import itemgetter

import aiohttp
from rich.console import Console
from rich.table import Table

from benchmarks.small_model import INSTALL, weights
from bot.responders.llm.clean import clean
from bot.responders.llm.fence import CLOSE, OPEN, header, quoted
from bot.responders.llm.frames import unframed
from bot.responders.llm.prompt import Allowance, PromptMessage, build
from bot.responders.llm.settings import PERSONA
from bot.responders.protocol import Context, Question, Utterance
from bot.sandbox.child_process import tethered

NOW = 1_790_000_000_000_000
NAME = "Echo"
QUESTIONS = (
    "What is the capital of France?", "How do I boil an egg?", "why is the sky blue?", "hello!", "Tell me a joke.",
    "what does HTTP mean?", "Can you recommend a book?", "2+2?", "How far is the moon?", "who wrote Hamlet?",
    "Write a haiku about rain.", "good night", "what is a prime number?", "Is a tomato a fruit?", "how are you?",
    "Name three colours.", "what should I cook today?", "'Good morning' in French?", "What is Python?", "thanks!",
)  # fmt: skip
ALONE = (
    Utterance(1, "carol", "hi Echo", by_bot=False, author_id=7),
    Utterance(2, NAME, "Hi! How can I help?", by_bot=True),
)
SEVERAL = (
    Utterance(1, "eve", "does anybody know a good bakery?", by_bot=False, author_id=5),
    Utterance(2, "bob", "the one at the corner", by_bot=False, author_id=6),
)
MIXED = (
    Utterance(1, "eve", "hi Echo, does anybody know a good bakery?", by_bot=False, author_id=5),
    Utterance(2, NAME, "Hi! I am not sure.", by_bot=True),
    Utterance(3, "bob", "the one at the corner", by_bot=False, author_id=6),
)
Prompts = Callable[[str], Sequence[PromptMessage]]


@dataclass(frozen=True, slots=True)
class Figures:
    """What became of the answers to one prompt."""

    prompt: str
    questions: int
    repeating: int
    shown: int
    parroting: int
    empty: int
    seconds: float


def prompt_of(history: Sequence[Utterance], text: str) -> Sequence[PromptMessage]:
    """Return the messages that the bot sends a model."""
    question = Question(1, 9, 7, "carol", text)
    context = Context(history=history, topic="everything under the sun", bot_name=NAME, now=NOW)
    return build(question, context, persona=PERSONA, allowed=Allowance(1500)).messages


def as_before(history: Sequence[Utterance], text: str, *above: str) -> Sequence[PromptMessage]:
    """Return the messages under lines that say who wrote, as older releases wrote them."""
    system = prompt_of(SEVERAL, text)[0]
    told = system.text.replace(f"; you answer {quoted('carol')}. ", f". {_LINES}")
    said = [("assistant", turn.text) if turn.by_bot else ("user", _framed(turn.author, turn.text)) for turn in history]
    said.append(("user", "\n".join((*map(header, above), _framed("carol", text)))))
    runs = [(role, list(run)) for role, run in groupby(said, itemgetter(0))]
    turns = [{"role": role, "text": "\n".join(words for _, words in run)} for role, run in runs]
    return (replace(system, text=told), *(PromptMessage(**turn) for turn in turns))


def _framed(name: str, text: str) -> str:
    return f"{header(f'from {quoted(name)}')}\n{text}"


_ADA = header(f"from {quoted('Ada')}")
_LINES = (
    f"A line such as {_ADA} says who wrote what follows it. Only the program that runs you can write the brackets "
    f"{OPEN} and {CLOSE}; never write them. "
)
_SCRIPT = re.compile(
    r"""["'“*]{0,2}(?:carol|eve|bob|echo)["'”*]{0,2} ?(?:said|wrote|\(in answer to|:)""", re.IGNORECASE
)


PROMPTS: dict[str, Prompts] = {
    "one person": lambda text: prompt_of(ALONE, text),
    "several people": lambda text: prompt_of(SEVERAL, text),
    "several, and the bot": lambda text: prompt_of(MIXED, text),
    "one person, as before": lambda text: as_before(ALONE, text, "it is Monday 2026-09-21 14:13 UTC"),
    "several, as before": lambda text: as_before(SEVERAL, text),
}


def repeats(said: str) -> bool:
    """Tell whether an answer begins with a line of the prompt, whole or in part."""
    said = said.lstrip()
    return said.startswith(OPEN) or unframed(said) != said or _SCRIPT.match(said) is not None


def parrots(said: str) -> bool:
    """Tell whether an answer begins with what somebody else wrote."""
    words = {turn.text.lower() for turn in (*ALONE, *SEVERAL, *MIXED) if not turn.by_bot}
    return _SCRIPT.sub("", said, count=1).lower().lstrip(" \n\"'“").startswith(tuple(words))


class Endpoint:
    """A server with OpenAI's protocol."""

    def __init__(self, session: aiohttp.ClientSession, url: str, model: str) -> None:
        self._session = session
        self._url = url
        self._model = model

    async def ask(self, messages: Sequence[PromptMessage]) -> str:
        """Return the raw answer, of at most 40 tokens."""
        written = [{"role": message.role, "content": message.text} for message in messages]
        body = {"model": self._model, "messages": written, "max_tokens": 40, "temperature": 0, "seed": 1}
        async with self._session.post(f"{self._url}/chat/completions", json=body, raise_for_status=True) as response:
            return str((await response.json())["choices"][0]["message"]["content"] or "")


async def measure(endpoint: Endpoint, name: str, questions: Sequence[str]) -> Figures:
    """Ask all questions with one prompt."""
    began = time.monotonic()
    answers = [await endpoint.ask(PROMPTS[name](text)) for text in questions]
    cleaned = [clean(answer, NAME) for answer in answers]
    return Figures(
        name,
        len(answers),
        sum(map(repeats, answers)),
        sum(repeats(text) for text in cleaned if text),
        sum(parrots(text) for text in cleaned if text),
        cleaned.count(None),
        round(time.monotonic() - began, 1),
    )


@asynccontextmanager
async def served(url: str) -> AsyncIterator[str]:
    """Give the address of a model: ``url``, or that of the packaged one, which is served meanwhile."""
    if url:
        yield url.rstrip("/")
        return
    command = tethered(sys.executable, "-m", "benchmarks.small_model")
    server = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=asyncio.subprocess.DEVNULL)
    try:
        if server.stdout is None or not (line := await server.stdout.readline()):
            sys.exit("The small model's server did not start: run .venv/bin/python -m benchmarks.small_model")
        yield line.decode().strip()
    finally:
        server.kill()
        await server.wait()


async def run(url: str, model: str, count: int) -> list[Figures]:
    """Measure all prompts."""
    timeout = aiohttp.ClientTimeout(total=600)
    async with served(url) as address, aiohttp.ClientSession(timeout=timeout) as session:
        endpoint = Endpoint(session, address, model)
        return [await measure(endpoint, name, QUESTIONS[:count]) for name in PROMPTS]


def table(figures: Sequence[Figures]) -> Table:
    """Return the figures for a terminal."""
    made = Table(
        "prompt",
        "questions",
        "answers that repeat a line",
        "shown so",
        "or with others' words",
        "nothing left",
        "seconds",
    )
    for each in figures:
        made.add_row(*map(str, asdict(each).values()))
    return made


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="", help="the address of a server with OpenAI's protocol")
    parser.add_argument("--model", default="small", help="the name of its model")
    parser.add_argument("--questions", type=int, default=len(QUESTIONS), help="how many of the twenty")
    parser.add_argument("--json", action="store_true", help="one JSON object a prompt")
    options = parser.parse_args()
    if not options.url and weights() is None:
        sys.exit(f"No small model is installed. Install one: {INSTALL}\nOr ask another: make models URL=... MODEL=...")
    figures = asyncio.run(run(options.url, options.model, options.questions))
    if options.json:
        for each in figures:
            sys.stdout.write(f"{json.dumps(asdict(each))}\n")
    else:
        Console().print(table(figures))


if __name__ == "__main__":
    main()
