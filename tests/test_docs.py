"""What is written for users is true: the example settings, the make targets, the changelog."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import discord
import pytest

from bot import __version__
from bot.config import RuleSettings, load
from bot.config.problems import settings
from bot.moderation import commands
from bot.moderation.command import REPLAY

ROOT = Path(__file__).parents[1]
EXAMPLE = (ROOT / "config.example.toml").read_text(encoding="utf-8")
UNCOMMENTED = re.sub(r"(?m)^# (?=[a-z_]+ = |\[\[)", "", EXAMPLE)


FACTS = "docs/discord-facts.md"
CITED = re.compile(re.escape(FACTS) + r", (\d(?:\.\d+)?)")


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write the example with every setting uncommented into an empty working directory."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "config.toml"
    path.write_text(UNCOMMENTED, encoding="utf-8")
    return path


def test_the_example_as_it_is_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy of it is a start."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "copy.toml"
    path.write_text(EXAMPLE, encoding="utf-8")

    assert load(None, {}) == load(path, {})


def test_the_example_shows_the_defaults(example: Path) -> None:
    """Apart from the settings that have none: the temperature and the rules."""
    shown = load(example, {})
    example.unlink()
    defaults = load(None, {})

    without = {"rules": (), "llm": shown.llm.model_copy(update={"temperature": None})}
    assert defaults == shown.model_copy(update=without)


def test_the_example_shows_every_setting() -> None:
    """And nothing that is none: ``load`` would have refused it."""
    shown = tomllib.loads(UNCOMMENTED)

    assert set(settings()) == {(section, key) for section in shown.keys() - {"rules"} for key in shown[section]}
    assert RuleSettings.model_fields.keys() - {"line"} == shown["rules"][0].keys()


def test_the_example_explains_every_setting() -> None:
    """In the line above it."""
    lines = EXAMPLE.splitlines()
    shown = [number for number, line in enumerate(lines) if re.match(r"# [a-z_]+ = ", line)]

    assert len(shown) == len(settings()) + len(RuleSettings.model_fields) - 1
    assert [] == [lines[number] for number in shown if not re.match(r"# .{8,}[.;:]?", lines[number - 1])]
    assert [] == [lines[number] for number in shown if number - 1 in shown]


def targets() -> set[str]:
    """Return what can be made."""
    (phony,) = re.findall(r"(?m)^\.PHONY: (.*)$", (ROOT / "Makefile").read_text())
    return set(phony.split())


def test_make_help_lists_every_target() -> None:
    """Somebody who types ``make`` sees what there is."""
    ran = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S607

    assert {line.split()[1] for line in ran.stdout.splitlines()} == targets()


def test_contributors_are_shown_what_there_is() -> None:
    """Every target, test and file that CONTRIBUTING.md names."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    tests = [*re.findall(r"pytest (\S+)", text), *re.findall(r"tests/\S+", (ROOT / "Makefile").read_text())]
    files = re.findall(r"`([a-z./_-]+(?:/|\.py|\.toml|\.md|\.yaml))`", text)

    assert set(re.findall(r"make ([a-z-]+)", text)) <= targets()
    for file, *_, test in (name.split("::") for name in tests if "::" in name):
        assert f"def {test}(" in (ROOT / file).read_text()
    assert all((ROOT / name.partition("::")[0]).exists() for name in tests)
    assert all((ROOT / name).exists() or (ROOT / "bot" / name).exists() for name in files)


def test_contributors_are_shown_every_floor() -> None:
    """Each room of the contract that import-linter holds, apart from the way in."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    layers = " | ".join(project["tool"]["importlinter"]["contracts"][0]["layers"]).split(" | ")
    floors = (ROOT / "CONTRIBUTING.md").read_text().partition("## The floors of `bot/`")[2]

    assert set(layers) - {"__main__"} == set(re.findall(r"`(\w+)(?:/|\.py)`", floors))


def moderators_table() -> dict[str, set[str]]:
    """Return what the README's table for moderators has to hold: the commands of each row, by what it says of them."""
    rows: dict[str, set[str]] = {}
    for command in commands.COMMANDS:
        name = command.name if command.group == REPLAY else f"/{command.setting}"
        rows.setdefault(command.topic.value, set()).add(name)
    return rows


def rows_of_readme() -> dict[str, set[str]]:
    """Return the table for moderators as it is."""
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition("## For moderators")[2].partition("\n## ")[0]
    rows = re.findall(r"(?m)^\| (`.*?) \| (.*) \|$", section)
    return {said: set(re.findall(r"`([^`]+)`", names)) for names, said in rows}


def test_the_readme_names_every_command_of_the_moderators() -> None:
    """Each in the row of its topic, and no other."""
    assert moderators_table() == rows_of_readme()


def test_the_tour_names_every_command_of_the_moderators() -> None:
    """In its own words."""
    tour = (ROOT / "docs" / "tour.md").read_text(encoding="utf-8")
    section = tour.partition("## For moderators")[2].partition("\n## ")[0]
    named = re.findall(r"`(/?[\w-]+)", "".join(re.findall(r"(?m)^\| (`.*?) \|", section)))

    assert set().union(*moderators_table().values()) <= set(named)


def test_continuous_integration_runs_the_tests_as_people_do() -> None:
    """By the command that the README gives, without an option that hides something."""
    typed = re.findall(r"(?m)^make ([^|\n]+?)(?: \|\|.*)?$", (ROOT / ".ci" / "run").read_text())

    part = "test-engine TESTS=tests/eventlog/test_append.py"
    assert typed == ["lint", "bench QUICK=1", "test-newest", part, "test-long", "test"]
    assert "make test" in (ROOT / "README.md").read_text()


def test_the_hooks_are_those_of_make_lint() -> None:
    """The same commands, with programs that the virtual environment has."""
    hooks = re.findall(r"(?m)^ +entry: (\.venv/bin/(.+))$", (ROOT / ".pre-commit-config.yaml").read_text())
    makefile = (ROOT / "Makefile").read_text()
    linting = re.findall(r"(?m)^\t@\$\(BIN\)/(.+)$", makefile.partition("\nlint:")[2].partition("\n\n")[0])

    assert [command for _, command in hooks] == linting
    assert [] == [hook for hook, _ in hooks if not (Path(sys.prefix) / "bin" / Path(hook.split()[0]).name).exists()]


def test_every_dependency_has_a_reason() -> None:
    """One line of pyproject.toml each: name, bounds, why."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [
        *project["dependencies"],
        *(each for extra in project["optional-dependencies"].values() for each in extra),
    ]
    reasons = re.findall(r'(?m)^  "([^"]+)", +# \S+', (ROOT / "pyproject.toml").read_text())

    assert set(wanted) <= set(reasons)


def citing() -> dict[Path, str]:
    """Return the text of each file that may cite the facts about Discord, without this one."""
    files = [*(path for folder in ("bot", "tests", "benchmarks", "docs") for path in (ROOT / folder).rglob("*"))]
    texts = [path for path in files if path.suffix in (".py", ".md", ".sql") and path != Path(__file__)]
    return {path: path.read_text(encoding="utf-8") for path in texts}


def test_the_facts_about_discord_are_cited_and_exist() -> None:
    """Each citation names a section, and each section that holds facts is cited."""
    sections = set(re.findall(r"(?m)^#{2,3} (\d(?:\.\d+)?) ", (ROOT / FACTS).read_text(encoding="utf-8")))
    cited = {section for path, text in citing().items() if path != ROOT / FACTS for section in CITED.findall(text)}
    headings = {"1"}

    assert sections - headings == cited


def test_the_facts_about_discord_are_cited_in_one_form() -> None:
    """By the page and the section, so that a search finds all of them."""
    pattern = re.compile(r"\bFACTS[ :,]+[\d\"]|discord-facts\.md(?!\)|, \d|`)")

    assert [] == [str(path) for path, text in citing().items() if pattern.search(text)]


def test_the_facts_about_discord_are_those_of_the_discord_py_in_use() -> None:
    """Another minor version may do otherwise: then the page and the tests it names want a look."""
    (read,) = re.findall(r"(?m)^- \*\*Read\*\*: discord\.py (\d+\.\d+)\.", (ROOT / FACTS).read_text(encoding="utf-8"))

    assert read == f"{discord.version_info.major}.{discord.version_info.minor}"


def test_the_facts_about_discord_name_tests_that_exist() -> None:
    """Those that hold a measurement today."""
    named = re.findall(r"`(tests/[^`]+)`", (ROOT / FACTS).read_text(encoding="utf-8"))

    assert named
    assert [] == [name for name in named if not (ROOT / name).exists()]


def test_changelog_knows_this_release() -> None:
    """As released, or among what isn't yet."""
    headings = re.findall(r"(?m)^## \[([^]]+)\]", (ROOT / "CHANGELOG.md").read_text())

    assert {__version__, "Unreleased"} & set(headings)
