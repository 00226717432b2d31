"""Templates fill plain names and are never read twice."""

from __future__ import annotations

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


@given(value=st.text(), before=st.text(alphabet="ab "), after=st.text(alphabet="cd "))
def test_any_value_goes_in_as_it_is(value: str, before: str, after: str) -> None:
    """What people write is never read as a template."""
    assert parse(f"{before}{{name}}{after}").fill({"name": value}) == before + value + after


@given(source=st.text(alphabet="{}ab!:.[]", max_size=12))
def test_any_template_is_filled_or_refused(source: str) -> None:
    """There is no third way, such as an error while filling."""
    try:
        template = parse(source)
    except TemplateError:
        return

    assert all(name.isidentifier() for name in template.names)
    assert "VALUE" in template.fill(dict.fromkeys(template.names, "VALUE")) or not template.names
