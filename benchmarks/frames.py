"""How often a small model begins its answer with a line of the prompt: three prompts, twenty questions each.

    .venv/bin/python -m benchmarks.frames [--url http://127.0.0.1:8080/v1] [--model NAME] [--questions 20] [--json]

Without an address, the model that a package ships is asked (:mod:`benchmarks.small_model`), if it is installed. The
prompts are those that the bot builds, while one person speaks and where several write, and the first one as it was
before: under lines that say when it is and who wrote. The temperature is 0.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass

import aiohttp
from rich.console import Console
from rich.table import Table

from benchmarks.small_model import INSTALL, weights
from bot.responders.llm.clean import clean
from bot.responders.llm.fence import OPEN, header, quoted
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
Prompts = Callable[[str], Sequence[PromptMessage]]


@dataclass(frozen=True, slots=True)
class Figures:
    """What became of the answers to one prompt."""

    prompt: str
    questions: int
    repeating: int
    shown: int
    empty: int
    seconds: float


def prompt_of(history: Sequence[Utterance], text: str) -> Sequence[PromptMessage]:
    """Return the messages that the bot sends a model."""
    question = Question(1, 9, 7, "carol", text)
    context = Context(history=history, topic="everything under the sun", bot_name=NAME, now=NOW)
    return build(question, context, persona=PERSONA, allowed=Allowance(1500)).messages


def as_before(text: str) -> Sequence[PromptMessage]:
    """Return the messages for one person, under lines as older releases wrote them."""
    several, (*turns, last) = prompt_of(SEVERAL, text)[0], prompt_of(ALONE, text)[1:]
    above = header("it is Monday 2026-09-21 14:13 UTC") + "\n" + header(f"from {quoted('carol')}")
    return (several, *turns, PromptMessage("user", f"{above}\n{last.text}"))


PROMPTS: dict[str, Prompts] = {
    "one person": lambda text: prompt_of(ALONE, text),
    "several people": lambda text: prompt_of(SEVERAL, text),
    "one person, as before": as_before,
}


def repeats(said: str) -> bool:
    """Tell whether an answer begins with a line of the prompt, whole or in part."""
    return said.lstrip().startswith(OPEN) or unframed(said.lstrip()) != said.lstrip()


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
    made = Table("prompt", "questions", "answers that repeat a line", "shown so", "nothing left", "seconds")
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
