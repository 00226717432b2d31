"""Templates fill plain names and are never read twice."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.responders.template import TemplateError, parse


@pytest.mark.parametrize(
    ("source", "filled"),
    [
        pytest.param("hello {name}!", "hello {name}!", id="a value with braces stays as it is"),
        pytest.param("{{name}} is {name}", "{name} is {name}", id="doubled braces are braces"),
        pytest.param("{name}{name}", "{name}{name}", id="a name may come twice"),
        pytest.param("", "", id="nothing gives nothing"),
        pytest.param("no names", "no names", id="plain text stays"),
    ],
)
def test_template_is_filled(source: str, filled: str) -> None:
    """Names become values, doubled braces become braces."""
    assert parse(source).fill({"name": "{name}"}) == filled


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("{name.__class__}", id="an attribute"),
        pytest.param("{name[0]}", id="an index"),
        pytest.param("{name!r}", id="a conversion"),
        pytest.param("{name:>9999}", id="a format"),
        pytest.param("{name:Raw}", id="another way to insert"),
        pytest.param("{name:{width}}", id="a format with a name inside"),
        pytest.param("{}", id="no name"),
        pytest.param("{0}", id="a number"),
        pytest.param("{ name }", id="a name with spaces"),
    ],
)
def test_more_than_a_plain_name_is_refused_and_shown(source: str) -> None:
    """Nothing reaches into a value or formats it."""
    with pytest.raises(TemplateError) as caught:
        parse(source)

    assert source.removesuffix("}") in str(caught.value)


@pytest.mark.parametrize("source", ["{", "}", "{name", "name}", "{a{b}}"])
def test_braces_that_do_not_pair_are_refused(source: str) -> None:
    """The error says how to write a brace."""
    with pytest.raises(TemplateError, match="write"):
        parse(source)


@pytest.mark.parametrize(
    ("value", "filled"),
    [
        pytest.param("__Ada__", r"\_\_Ada\_\_", id="a name is no underlined word"),
        pytest.param("*a* ~~b~~ ||c|| `d`", r"\*a\* \~\~b\~\~ \|\|c\|\| \`d\`", id="nothing is styled"),
        pytest.param("[here](https://e.org/a_b)", r"\[here\](https://e.org/a_b)", id="nor a link behind words"),
        pytest.param("C:\\*", r"C:\\\*", id="a backslash is shown"),
        pytest.param("# a\n> b\n- c\n12. d", "\\# a\n\\> b\n\\- c\n12\\. d", id="lines begin no block"),
        pytest.param("a # b > c - d 1. e #f -5", "a # b > c - d 1. e #f -5", id="nothing else is touched"),
        pytest.param("https://e.org/a_b_c?d=*", "https://e.org/a_b_c?d=*", id="addresses stay"),
        pytest.param("<@1> <@!2> <@&3> <#4> <:a_b:5> <a:c_:6> <t:7:R> </x_y:8>", None, id="so do mentions and emojis"),
        pytest.param("{name:raw}", None, id="a value is no template"),
        pytest.param("no_thing", r"no\_thing", id="an underscore within a word"),
    ],
)
def test_words_of_people_are_shown_as_they_are_written(value: str, filled: str | None) -> None:
    """Discord reads none of their markdown."""
    assert parse("{name}").fill({"name": value}) == (value if filled is None else filled)


@pytest.mark.parametrize(
    ("source", "filled"),
    [
        pytest.param("{a:raw}", "_x_", id="raw"),
        pytest.param("{a}", "_x_", id="written by the owner"),
        pytest.param("{b}", r"\_x\_", id="by anybody else"),
        pytest.param("https://e.org/?q={b}&{b} {b}", r"https://e.org/?q=_x_&_x_ \_x\_", id="in an address"),
        pytest.param("`{b}` {b}", r"`_x_` \_x\_", id="in code"),
        pytest.param("```\n{b}\n``` {b}", "```\n_x_\n``` \\_x\\_", id="in a block of code"),
        pytest.param("it`s {b}\n{b}", "it`s _x_\n\\_x\\_", id="a sign that nothing closes ends with its line"),
    ],
)
def test_where_markdown_is_kept(source: str, filled: str) -> None:
    """Where it is meant, or where a backslash would be shown."""
    assert parse(source).fill({"a": "_x_", "b": "_x_"}, own=("a",)) == filled


ESCAPED = re.compile(r"\\([\\*_~|`\[\]#>+.-])")


@given(value=st.text() | st.text(alphabet="a1 \n*_~|`[]#>+-."), before=st.text(alphabet="ab "), after=st.text("cd "))
def test_any_value_goes_in_whole(value: str, before: str, after: str) -> None:
    """What people write is never read as a template, and only backslashes are put before signs."""
    assert parse(f"{before}{{name:raw}}{after}").fill({"name": value}) == before + value + after
    assert ESCAPED.sub(r"\1", parse(f"{before}{{name}}{after}").fill({"name": value})) == before + value + after


@given(source=st.text(alphabet="{}ab!:.[]", max_size=12))
def test_any_template_is_filled_or_refused(source: str) -> None:
    """There is no third way, such as an error while filling."""
    try:
        template = parse(source)
    except TemplateError:
        return

    assert all(name.isidentifier() for name in template.names)
    assert "VALUE" in template.fill(dict.fromkeys(template.names, "VALUE")) or not template.names
