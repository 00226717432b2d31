"""What people and the bot wrote, as Discord shows it: as HTML, whatever they wrote."""

from __future__ import annotations

import string
from html.parser import HTMLParser

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.core.events import Body, Named
from bot.moderation.transcript import Wording
from bot.page.markdown import LONGEST, markdown, shown, visible
from tests.core import discord_markdown as discord
from tests.core.test_parts_meaning import documents


def link(address: str, words: str = "", title: str = "") -> str:
    """Return a link."""
    titled = f' title="{title}"' if title else ""
    return f'<a href="{address}"{titled} rel="noreferrer noopener nofollow" target="_blank">{words or address}</a>'


def mention(mark: str, name: str) -> str:
    """Return a mention."""
    return f'<span class="mention" title="{mark}">{name}</span>'


def head(level: int, html: str) -> str:
    """Return a heading."""
    return f'<span class="head head{level}">{html}</span>'


def spoiler(html: str) -> str:
    """Return what is hidden until it is opened."""
    return f'<details class="spoiler"><summary>spoiler</summary><span>{html}</span></details>'


@pytest.mark.parametrize(
    ("text", "html"),
    [
        pytest.param("a < b & 'c'\n  d", "a &lt; b &amp; &#39;c&#39;\n  d", id="no markdown: lines and blanks stay"),
        pytest.param("**b** *i* _i_", "<strong>b</strong> <em>i</em> <em>i</em>", id="bold, italic"),
        pytest.param("__u__ ~~s~~", "<u>u</u> <s>s</s>", id="underlined, struck"),
        pytest.param("***a* b**", "<strong><em>a</em> b</strong>", id="one style within another"),
        pytest.param("**a\nb**", "<strong>a\nb</strong>", id="a style over two lines"),
        pytest.param("||a **b**||", spoiler("a <strong>b</strong>"), id="a spoiler"),
        pytest.param("2 * 3 * 4, snake_case_name, **a, ||b", None, id="signs without an end"),
        pytest.param(r"\*a\* \_b\_ \\ c:\d", r"*a* _b_ \ c:\d", id="escapes"),
        pytest.param("`*a* <@1>` ``b ` c``", "<code>*a* &lt;@1&gt;</code> <code>b ` c</code>", id="inline code"),
        pytest.param(
            "see\n```py\n\nif a < b:\n    **c**\n```\nd",
            'see\n<pre><span class="language">py</span><code>if a &lt; b:\n    **c**</code></pre>d',
            id="a block of code",
        ),
        pytest.param("```a b\nc```", "<pre><code>a b\nc</code></pre>", id="a first line that is no language"),
        pytest.param("```py\n```", "<pre><code>py</code></pre>", id="a language alone"),
        pytest.param("```a", None, id="a block without an end"),
        pytest.param("> a\n> > b\nc", "<blockquote>a\n&gt; b</blockquote>c", id="a block quote, which holds no other"),
        pytest.param(
            "a\n>>> b\n\n# c", f"a\n<blockquote>b\n\n{head(1, 'c')}</blockquote>", id="all that follows quoted"
        ),
        pytest.param(">a\n>>b", "&gt;a\n&gt;&gt;b", id="no block quote without a blank"),
        pytest.param("# a #\n## b\n### *c*", head(1, "a ") + head(2, "b") + head(3, "<em>c</em>"), id="headings"),
        pytest.param("-# C#\n#### a\n#b", '<small class="head">C#</small>#### a\n#b', id="subtext, and no headings"),
        pytest.param(
            "- a\n  - b\n    c\n- d\n\ne",
            "<ul><li>a<ul><li>b\n    c</li></ul></li><li>d</li></ul>\ne",
            id="a list in a list",
        ),
        pytest.param("3. a\n3. b\n* c", '<ol start="3"><li>a</li><li>b</li></ol><ul><li>c</li></ul>', id="numbers"),
        pytest.param("- \n1.\n12345678901. a", None, id="no items"),
        pytest.param("> - # a", f"<blockquote><ul><li>{head(1, 'a')}</li></ul></blockquote>", id="blocks in blocks"),
        pytest.param("https://a.org/b_(c), <d>", f"{link('https://a.org/b_(c)')}, &lt;d&gt;", id="an address"),
        pytest.param("(http://a.org/b).", f"({link('http://a.org/b')}).", id="an address in a sentence"),
        pytest.param("<https://a.org/?b&c>", link("https://a.org/?b&amp;c"), id="an address without a preview"),
        pytest.param(
            '[a **b** ||c||](https://a.org/ "d")',
            link("https://a.org/", "a <strong>b</strong> ||c||", "https://a.org/ &#34;d&#34;"),
            id="a masked link",
        ),
        pytest.param("[a](javascript:b) [c](/page/) [d](ftp://a.org)", None, id="links of other kinds"),
        pytest.param(
            "[a.org://b](https://c.org)", f"[a.org://b]({link('https://c.org')})", id="masked as another address"
        ),
        pytest.param(
            "![a](https://a.org/b.png)", "!" + link("https://a.org/b.png", "a", "https://a.org/b.png"), id="no picture"
        ),
        pytest.param(
            "<@41> <@!9>",
            f"{mention('&lt;@41&gt;', '@a_b_')} {mention('&lt;@!9&gt;', '@someone')}",
            id="people, whose names are no markdown",
        ),
        pytest.param(
            "<@&5> <#111>",
            f"{mention('&lt;@&amp;5&gt;', '@mods')} {mention('&lt;#111&gt;', '#general')}",
            id="a role, a channel",
        ),
        pytest.param(
            "<a:b_c_:1>", '<span class="emoji" title="&lt;a:b_c_:1&gt;">:b_c_:</span>', id="an emoji of a server"
        ),
        pytest.param(
            "<t:1700000000:R>",
            '<time datetime="2023-11-14T22:13:20.000000+00:00" title="&lt;t:1700000000:R&gt;">'
            "2023-11-14 22:13 UTC</time>",
            id="a time",
        ),
        pytest.param("<t:9999999999999>", "&lt;t:9999999999999&gt;", id="a time beyond the calendar"),
        pytest.param(
            "https://discord.com/channels/5/111",
            link("https://discord.com/channels/5/111", "#general", "https://discord.com/channels/5/111"),
            id="a channel's address",
        ),
        pytest.param(
            "**a\u202e\0**\t`\u200b`", r"<strong>a\u202e\x00</strong>\t<code>\u200b</code>", id="what nobody sees"
        ),
        pytest.param("<b>**<i onload=x>**</b>", "&lt;b&gt;<strong>&lt;i onload=x&gt;</strong>&lt;/b&gt;", id="HTML"),
        pytest.param("**a**" + "b" * LONGEST, None, id="too long"),
    ],
)
def test_markdown_becomes_html(text: str, html: str | None) -> None:
    """Where no HTML is given, the text stays as it is."""
    names = {"@41": "a_b_", "&5": "mods", "#111": "general"}

    assert markdown(text, names) == (text if html is None else html)


def test_names_of_files_are_no_markdown() -> None:
    """What else a message shows is; words that are erased have a sentence in their place."""
    body = Body(parts=("**a** <@1>",), files=("__init__.py",), names=(Named("@1", "b"),))

    assert shown(Wording(0, "", body=body)) == (
        '<strong>a</strong> <span class="mention" title="&lt;@1&gt;">@b</span>\n[file] __init__.py'
    )
    assert shown(Wording(0, "[words **erased**]", missing=True)) == "[words **erased**]"


ALLOWED = {
    "a": {"href", "title", "rel", "target"}, "blockquote": set(), "code": set(), "details": {"class"}, "em": set(),
    "li": set(), "ol": {"start"}, "pre": set(), "s": set(), "small": {"class"}, "span": {"class", "title"},
    "strong": set(), "summary": set(), "time": {"datetime", "title"}, "u": set(), "ul": set(),
}  # fmt: skip


class Page(HTMLParser):
    """Reads HTML as a browser does, and refuses what is not allowed.

    ``text`` is what stands there; where something else stands for what was written, as for a mention, that. ``signs``
    are what :mod:`tests.core.discord_markdown` tells of a text: each visible sign, and the styles in which it is shown.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.signs: list[tuple[str, frozenset[str]]] = []
        self._open: list[tuple[str, dict[str, str]]] = []
        self._counts: list[int | None] = []
        self.feed(str(html))  # a Markup would escape what is added to it
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take what begins."""
        given = {name: str(value) for name, value in attrs}
        assert set(given) <= ALLOWED[tag]
        assert tag != "a" or given["href"].lower().startswith(("http://", "https://"))
        if tag in ("ol", "ul"):
            self._counts.append(int(given["start"]) if tag == "ol" else None)
        if tag == "li":
            self._item()
        self._open.append((tag, given))
        if tag != "a" and "title" in given:
            self.text += given["title"]
            self._sign(given["title"])

    def handle_endtag(self, tag: str) -> None:
        """Take what ends: it is what began last."""
        begun, given = self._open.pop()
        assert begun == tag
        if tag in ("ol", "ul"):
            self._counts.pop()
        if tag == "a":
            self.text += given.get("title", "")

    def handle_data(self, data: str) -> None:
        """Take text."""
        tag, given = self._open[-1] if self._open else ("", {})
        if tag == "summary" or (tag != "a" and "title" in given):
            return
        self.text += data
        if given.get("class") == "language":
            self._open[-2][1]["language"] = data
            return
        for sign in [data] if data == given.get("href") else "".join(data.split()):
            self._sign(sign)

    def _item(self) -> None:
        count = self._counts[-1]
        self._sign("•" if count is None else f"{count}.")
        self._counts[-1] = None if count is None else count + 1

    def _sign(self, sign: str) -> None:
        styles = (self._style(tag, given) for tag, given in self._open)
        self.signs.append((sign, frozenset(filter(None, styles))))

    def _style(self, tag: str, given: dict[str, str]) -> str:
        if tag == "pre":
            return f"block {given.get('language', '')}"
        if tag == "a":
            return given.get("title", "")
        in_block = tag == "code" and any(other == "pre" for other, _ in self._open)
        return "" if in_block else STYLES.get(f"{tag} {given.get('class', '')}".strip(), "")


STYLES = {
    "em": "em",
    "strong": discord._STRONG.pattern,
    "u": discord._UNDER.pattern,
    "s": discord._STRIKE.pattern,
    "details spoiler": discord._SPOILER.pattern,
    "span head head1": "#",
    "span head head2": "##",
    "span head head3": "###",
    "small head": "-#",
    "blockquote": "quote",
    "code": "code",
}
"""What the model of Discord calls each element; there, italics have two patterns."""
ITALICS = {pattern.pattern: "em" for pattern in discord._EM}


@settings(max_examples=25, derandomize=True)
@given(documents())
def test_a_reader_sees_what_discord_shows(text: str) -> None:
    """Each sign in its styles, its block, and with its number, as the model of Discord's clients tells."""
    found = Page(markdown(text[:LONGEST])).signs

    assert found == [
        (sign.strip("<>") if sign.startswith("<http") else sign, frozenset(ITALICS.get(each, each) for each in styles))
        for sign, styles in discord.shown(text[:LONGEST])
    ]


PIECES = (
    "*", "**", "_", "__", "~~", "||", "`", "```", "```py\n", "\n", "\n\n", " ", "  ", "\\", "> ", ">>> ", "- ", "1. ",
    "# ", "-# ", "[", "](", ")", "[a](https://b.c", "<https://d", ">", "https://e.f", "<@1", "<:g:2>", "<t:3:R>",
    "</h:4>", "<id:i>", "<b>", '"', "'", "&", "javascript:", "word", "\u202e", "\0", "\ud800", "語", "😀",
)  # fmt: skip


@settings(max_examples=150, derandomize=True)
@example("*_" * 400)
@example("**a" * 400 + "`")
@example("- > " * 400 + "a")
@example("- ``\n" * 300)
@example("[" * 900 + "](https://a)" * 90)
@example("  " * 900 + "- a\n" * 90)
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=30).map("".join))
def test_whatever_is_written_becomes_harmless_html_with_all_its_words(text: str) -> None:
    """No other element or attribute than those allowed, one within the other; no word is lost or moved."""
    found = Page(markdown(text))

    assert words(found.text) == words(visible(text))


def words(text: str) -> str:
    """Return a text without signs that may be markdown, digits (lists count anew) and blanks."""
    return "".join(sign for sign in text if sign not in string.punctuation and not (sign.isspace() or sign.isdecimal()))
