"""How long a token and a session last."""

from __future__ import annotations

from bot.page.sessions import INVITED_SECONDS, OWNER, SESSION_SECONDS, Sessions


def test_tokens_and_sessions_end_by_themselves() -> None:
    """A token after ten minutes, a session after twelve hours."""
    now = [0.0]
    sessions = Sessions(lambda: now[0])
    late, used = sessions.invite(OWNER), sessions.invite(OWNER)
    cookie = sessions.enter(used)
    assert cookie

    now[0] = INVITED_SECONDS + 1
    assert sessions.enter(late) is None
    assert sessions.of(cookie)

    now[0] = SESSION_SECONDS + 1
    assert sessions.of(cookie) is None
