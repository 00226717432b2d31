from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.sandbox import posting
from bot.sandbox.models import Message
from bot.sandbox.options import SandboxOptions
from bot.sandbox.server import Sandbox
from tests.sandbox.conftest import Rest
from tests.sandbox.plain_bot import button, row


@pytest.fixture
def options(request: pytest.FixtureRequest) -> SandboxOptions:
    """No limits, but where a test asks for its own."""
    return getattr(request, "param", None) or SandboxOptions(message_rate=None, global_rate=None)


def _codes(body: object) -> set[str]:
    """Collect the codes of all field errors."""
    if isinstance(body, dict):
        own = {item["code"] for item in body.get("_errors", [])}
        return own.union(*(_codes(value) for value in body.values()))
    return set()


@pytest.mark.parametrize("header", ["", "Bot", "Bot wrong", "Bearer sandbox.token.not-a-secret", "sandbox"])
async def test_a_wrong_token_is_401(rest: Rest, header: str) -> None:
    """Only ``Bot`` and the token open the API."""
    answer = await rest("GET", "/users/@me", headers={"Authorization": header})

    assert (answer.status, answer.body) == (401, {"message": "401: Unauthorized", "code": 0})


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        pytest.param("GET", "/nothing", 404, 0, id="no such path"),
        pytest.param("PUT", "/users/@me", 405, 0, id="no such method"),
        pytest.param("GET", "/channels/1", 404, 10003, id="no such channel"),
        pytest.param("GET", "/guilds/1", 404, 10004, id="no such guild"),
        pytest.param("GET", "/channels/abc", 400, 50035, id="a channel id that is no number"),
        pytest.param("GET", "/channels/99999999999999999999999", 400, 50035, id="a channel id that is too long"),
        pytest.param("GET", "/channels/{c}/messages/1", 404, 10008, id="no such message"),
        pytest.param("DELETE", "/channels/{c}/messages/1", 404, 10008, id="no such message to delete"),
        pytest.param("GET", "/channels/{c}/messages?limit=0", 400, 50035, id="a page of nothing"),
        pytest.param("GET", "/channels/{c}/messages?limit=101", 400, 50035, id="a page over 100"),
        pytest.param("GET", "/channels/{c}/messages?limit=null", 400, 50035, id="a limit that is no number"),
        pytest.param("GET", "/channels/{c}/messages?after=x", 400, 50035, id="an anchor that is no id"),
        pytest.param("GET", "/channels/{c}/messages?after=1&before=2", 400, 50035, id="two anchors"),
        pytest.param("POST", "/interactions/1/x/callback", 404, 10062, id="no such interaction"),
        pytest.param("POST", "/webhooks/1/x", 404, 10015, id="no such webhook"),
        pytest.param("GET", "/applications/1/commands", 403, 20012, id="somebody else's application"),
    ],
)
async def test_what_does_not_exist_has_its_code(
    rest: Rest, sandbox: Sandbox, method: str, path: str, status: int, code: int
) -> None:
    """Each refusal has Discord's status and code."""
    answer = await rest(method, path.format(c=sandbox.services.general.id), {} if method == "POST" else None)

    assert (answer.status, answer.body["code"]) == (status, code)


def pressed(*buttons: dict[str, object]) -> dict[str, object]:
    """Return a message with a row of buttons, each as it has to be but for what is given."""
    return {"content": "x", "components": row(*({**button("Go"), **each} for each in buttons))}


@pytest.mark.parametrize(
    ("body", "code", "fields"),
    [
        pytest.param({}, 50006, set(), id="nothing"),
        pytest.param({"content": ""}, 50006, set(), id="an empty text"),
        pytest.param({"content": " \n"}, 50006, set(), id="only blanks"),
        pytest.param({"content": "x" * 2001}, 50035, {"BASE_TYPE_MAX_LENGTH"}, id="2001 characters"),
        pytest.param({"content": ["x"]}, 50035, {"STRING_TYPE_CONVERT"}, id="a text that is a list"),
        pytest.param({"content": "x", "nonce": "n" * 26}, 50035, {"NONCE_TYPE_TOO_LONG"}, id="a nonce of 26"),
        pytest.param({"content": "x", "nonce": True}, 50035, {"NONCE_TYPE_TOO_LONG"}, id="a nonce that is true"),
        pytest.param({"content": "x", "tts": "maybe"}, 50035, {"BOOLEAN_TYPE_CONVERT"}, id="tts that is no boolean"),
        pytest.param({"content": "x", "flags": -1}, 50035, {"NUMBER_TYPE_COERCE"}, id="negative flags"),
        pytest.param({"embeds": [{}] * 11}, 50035, {"BASE_TYPE_MAX_LENGTH"}, id="eleven embeds"),
        pytest.param({"embeds": [{"title": "x" * 257}]}, 50035, {"BASE_TYPE_MAX_LENGTH"}, id="a long embed title"),
        pytest.param(
            {"embeds": [{"description": "x" * 4000}] * 2}, 50035, {"MAX_EMBED_SIZE_EXCEEDED"}, id="6000 over all embeds"
        ),
        pytest.param({"embeds": [{"fields": [{"name": "x"}]}]}, 50035, {"BASE_TYPE_REQUIRED"}, id="half a field"),
        pytest.param({"content": "x", "embeds": "x"}, 50035, {"LIST_TYPE_CONVERT"}, id="embeds that are no list"),
        pytest.param(
            {"content": "x", "components": {}}, 50035, {"LIST_TYPE_CONVERT"}, id="components that are no list"
        ),
        pytest.param(pressed(*[{}] * 6), 50035, {"BASE_TYPE_BAD_LENGTH"}, id="six buttons in a row"),
        pytest.param(pressed(), 50035, {"BASE_TYPE_BAD_LENGTH"}, id="an empty row"),
        pytest.param(pressed({"custom_id": "x" * 101}), 50035, {"BASE_TYPE_BAD_LENGTH"}, id="a long custom_id"),
        pytest.param(pressed({"custom_id": None}), 50035, {"BASE_TYPE_BAD_LENGTH"}, id="a button without an id"),
        pytest.param(pressed({"label": "x" * 81}), 50035, {"BASE_TYPE_MAX_LENGTH"}, id="a long label"),
        pytest.param(pressed({"style": 7}), 50035, {"BASE_TYPE_CHOICES"}, id="a style that is none"),
        pytest.param(pressed({}, {}), 50035, {"COMPONENT_CUSTOM_ID_DUPLICATED"}, id="two buttons of one id"),
        pytest.param(
            {"content": "x", "message_reference": {}}, 50035, {"BASE_TYPE_REQUIRED"}, id="a reference to nothing"
        ),
        pytest.param(
            {"content": "x", "message_reference": {"message_id": "x"}}, 50035, {"NUMBER_TYPE_COERCE"}, id="a bad id"
        ),
        pytest.param(
            {"content": "x", "message_reference": {"message_id": "1"}},
            50035,
            {"REPLIES_UNKNOWN_MESSAGE"},
            id="a reference to a message that is gone",
        ),
        pytest.param(
            {"content": "x", "allowed_mentions": {"parse": ["users"], "users": ["1"]}},
            50035,
            {"MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE"},
            id="mentions both parsed and listed",
        ),
        pytest.param([], 50035, {"DICT_TYPE_CONVERT"}, id="a list"),
    ],
)
async def test_a_bad_message_is_refused_with_every_field(
    rest: Rest, messages_path: str, body: object, code: int, fields: set[str]
) -> None:
    """Nothing is posted, and the body says why."""
    answer = await rest("POST", messages_path, body)

    assert (answer.status, answer.body["code"], _codes(answer.body.get("errors"))) == (400, code, fields)
    assert (await rest("GET", messages_path)).body == []


@pytest.mark.parametrize(
    ("data", "content_type", "code"),
    [
        pytest.param(b"{", "application/json", 50109, id="half an object"),
        pytest.param(b'{"content": NaN}', "application/json", 50109, id="not a number"),
        pytest.param(b"\xff\xfe\x00", "application/json", 50109, id="not text"),
        pytest.param(b"[" * 100_000, "application/json", 50109, id="bottomless"),
        pytest.param(b"", "application/json", 50006, id="empty"),
        pytest.param(b"content=", "application/x-www-form-urlencoded", 50006, id="an empty form"),
        pytest.param(b"hello", "text/plain", 50035, id="plain text"),
        pytest.param(b"hello", "multipart/form-data; boundary=x", 50035, id="a form without parts"),
        pytest.param(b"hello", "multipart/form-data", 50035, id="a form without boundary"),
        pytest.param(
            b'--x\r\nContent-Disposition: form-data; name="payload_json"\r\n\r\n{\r\n--x--\r\n',
            "multipart/form-data; boundary=x",
            50109,
            id="half an object in a form",
        ),
        pytest.param(
            b'--x\r\nContent-Disposition: form-data; name="payload_json"; filename="a"\r\n\r\n[]\r\n--x--\r\n',
            "multipart/form-data; boundary=x",
            50035,
            id="a list in a form's file",
        ),
    ],
)
async def test_a_body_that_is_no_message_is_refused(
    rest: Rest, messages_path: str, data: bytes, content_type: str, code: int
) -> None:
    """Bytes of any kind are refused in Discord's shape."""
    answer = await rest("POST", messages_path, data=data, headers={"Content-Type": content_type})

    assert (answer.status, answer.body["code"]) == (400, code)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=30),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=10), children, max_size=4),
    max_leaves=12,
)


# fmt: off
_FIELDS = st.sampled_from([
    "content", "nonce", "enforce_nonce", "tts", "embeds", "flags", "components", "allowed_mentions",
    "message_reference", "attachments", "type", "data", "name", "recipient_id", "messages", "options",
])
# fmt: on


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=_JSON | st.dictionaries(_FIELDS, _JSON, max_size=6))
async def test_no_json_makes_it_fail(rest: Rest, sandbox: Sandbox, body: object) -> None:
    """Whatever JSON arrives, the answer is a success or a refusal of Discord's shape, never a 500."""
    channel = sandbox.services.general.id
    application = sandbox.services.application.id
    message = posting.post(
        sandbox.world,
        Message(sandbox.services.general, sandbox.services.application.user, "x"),
    )
    for method, path in (
        ("POST", f"/channels/{channel}/messages"),
        ("PATCH", f"/channels/{channel}/messages/{message.id}"),
        ("POST", f"/channels/{channel}/messages/bulk-delete"),
        ("POST", f"/channels/{channel}/messages/{message.id}/threads"),
        ("POST", f"/channels/{channel}/threads"),
        ("PATCH", f"/channels/{channel}"),
        ("POST", "/users/@me/channels"),
        ("PUT", f"/applications/{application}/commands"),
        ("POST", f"/applications/{application}/commands"),
    ):
        async with rest.session.request(method, rest.base + path, json=body, headers=rest.headers) as response:
            answer = await response.json() if response.status != 204 else {}
        assert response.status < 500, (method, path)
        assert response.status < 400 or {"code", "message"} <= answer.keys()


async def test_half_a_character_is_replaced(rest: Rest, messages_path: str) -> None:
    """A lone surrogate has no UTF-8 form, so that no client could be sent it."""
    data = b'{"content": "a\\ud800b"}'

    answer = await rest("POST", messages_path, data=data, headers={"Content-Type": "application/json"})

    assert answer.body["content"] == "a\ufffdb"
