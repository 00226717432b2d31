"""Templates to answers, with Jinja2, which is an extra: it is imported when the page is made.

Everything in a template is escaped: people's words come as text, or as the HTML of :mod:`bot.page.markdown`.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from aiohttp import web

from bot.core.plain import plain_line
from bot.errors import ConfigError
from bot.moderation.text import count_text
from bot.page.sessions import Session
from bot.page.static_files import static_address
from bot.times import iso_time, span, utc_time

if TYPE_CHECKING:
    from jinja2 import Environment

MISSING = "The page takes a package that is not installed: pip install 'echoless[page]'."


@cache
def templates() -> Environment:
    """Return the templates; raise ConfigError without Jinja2."""
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - an extra

        from bot.page.markdown import shown, visible  # noqa: PLC0415 - builds on Jinja2's markupsafe
    except ImportError as error:
        raise ConfigError(MISSING) from error
    environment = Environment(
        loader=PackageLoader("bot.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["static"] = static_address
    environment.filters |= {
        "counted": count_text,
        "flagged": lambda flags: [name for name, holds in flags.items() if holds],
        "iso": iso_time,
        "plain": plain_line,
        "shown": shown,
        "span": span,
        "time": utc_time,
        "visible": visible,
    }
    return environment


def prepare() -> None:
    """Compile every template, which would take the first who looks a sixth of a second; raise as :func:`templates`."""
    for name in templates().list_templates(extensions=("html",)):
        templates().get_template(name)


def render(template: str, session: Session | None = None, *, status: int = 200, **values: Any) -> web.Response:  # noqa: ANN401 - the template's
    """Return a page."""
    text = templates().get_template(template).render(session=session, **values)
    return web.Response(text=text, content_type="text/html", status=status)
