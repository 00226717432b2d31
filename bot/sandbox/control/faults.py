"""Control routes that make things fail, and change settings: requests, the gateway, deliveries, the whole server."""

from __future__ import annotations

from typing import Any

from bot.sandbox import posting
from bot.sandbox.control.call import ControlCall, ControlRoute
from bot.sandbox.errors import ControlError, SandboxError
from bot.sandbox.faults import FaultRule
from bot.sandbox.gateway.faults import CLOSE_CODES, Storm
from bot.sandbox.gateway.protocol import Op
from bot.sandbox.intents import PRIVILEGED_BY_NAME
from bot.sandbox.json_codec import Json, encode
from bot.sandbox.message_payloads import event_payload
from bot.sandbox.options import RateLimit
from bot.sandbox.services import Services

MAX_OUTAGE = 3600.0
_RATES = ("message_rate", "global_rate")


def routes() -> list[ControlRoute]:
    """List the routes."""
    fault = {"kind": "status", "status": 502, "method": "POST", "path": "/channels/*/messages", "when": "after"}
    return [
        ControlRoute("GET", "/faults", list_faults),
        ControlRoute("POST", "/faults", add_fault, fault),
        ControlRoute("DELETE", "/faults", clear_faults),
        ControlRoute("DELETE", "/faults/{fault}", remove_fault),
        ControlRoute("POST", "/gateway/drop", drop, {"invalidate": False, "code": None}),
        ControlRoute("POST", "/gateway/reconnect", reconnect),
        ControlRoute("POST", "/gateway/invalid-session", invalid_session, {"resumable": False}),
        ControlRoute("POST", "/gateway/mute", mute),
        ControlRoute("POST", "/gateway/unmute", unmute),
        ControlRoute("POST", "/gateway/repeat", repeat, {"probability": 0.2, "seed": 1}),
        ControlRoute("POST", "/gateway/shuffle", shuffle, {"size": 20, "delay": 0.2, "seed": 1}),
        ControlRoute("POST", "/gateway/dispatch", dispatch, {"event": "MESSAGE_CREATE", "data": {"id": "1"}}),
        ControlRoute("POST", "/gateway/storm", storm, {"at": "hello", "does": "close", "code": 4000, "count": 3}),
        ControlRoute("POST", "/gateway/ready", ready, {"fields": {"session_id": None}}),
        ControlRoute("POST", "/gateway/calm", calm),
        ControlRoute("POST", "/outage", outage, {"seconds": 1.5}),
        ControlRoute("GET", "/settings", settings),
        ControlRoute("PATCH", "/settings", change_settings, {"nonce_window": 0, "message_rate": "off"}),
    ]


async def list_faults(call: ControlCall) -> Json:
    """List the faults: how often each matched (seen) and struck (hits), and how many sessions were ready then."""
    return {"faults": [fault.payload() for fault in call.services.faults.active]}


async def add_fault(call: ControlCall) -> Json:
    """Make chosen REST requests fail.

    kind: status (with status 500, 502, 503, 504, 520, 522 or 524), page (something in front answers instead: any
    status, body, content_type, location; a 429 with retry_after), relabel (Discord's answer under another
    content_type), reset (TCP RST), fin (closed without an answer), cut (half a body), hang (until faults are cleared),
    delay (seconds), ratelimit (429; retry_after, is_global), kill (SIGKILL to pid after seconds, then never an answer;
    it goes before every other fault), missing (404, as for an endpoint that does not exist).
    via false: without the header that says it passed Discord's front.
    method and path: patterns with *, the path without /api/v10, or several with spaces between them. when: before
    or after the request takes effect. nth: the first matching request to strike, from 1. count: how many to strike
    (null: all). probability and seed: strike at random.
    """
    return call.services.faults.add(call.read_as(FaultRule)).payload()


async def clear_faults(call: ControlCall) -> Json:
    """Remove every fault and the storm, cut off hanging requests, deliver faithfully, unmute; settings stay."""
    call.services.faults.clear()
    call.services.hub.calm()
    call.services.hub.delivery.restore()
    call.services.hub.unmuted.set()
    return {"faults": []}


async def remove_fault(call: ControlCall) -> Json:
    """Remove one fault."""
    call.services.faults.remove(call.number("fault", whole=True))
    return await list_faults(call)


async def drop(call: ControlCall) -> Json:
    """Cut every gateway connection (TCP), or close it with ``code``.

    The sessions stay resumable, unless invalidate is true.
    """
    code = call.number("code", None, whole=True)
    if code is not None and not any(code in codes for codes in CLOSE_CODES):
        raise ControlError("code must be 1000, 1001 or between 4000 and 4999.")
    return {"connections": call.services.hub.drop(invalidate=call.flag("invalidate"), code=code)}


async def reconnect(call: ControlCall) -> Json:
    """Ask every client to reconnect: op 7."""
    return {"connections": call.services.hub.send_frame(encode({"op": Op.RECONNECT, "d": None}))}


async def invalid_session(call: ControlCall) -> Json:
    """Tell every client that its session is invalid: op 9."""
    return {"connections": call.services.hub.invalid_session(resumable=call.flag("resumable"))}


async def mute(call: ControlCall) -> Json:
    """Stop sending over the gateway, heartbeat acknowledgements included; events wait."""
    call.services.hub.unmuted.clear()
    return {"muted": True}


async def unmute(call: ControlCall) -> Json:
    """Send again, beginning with the events that waited."""
    call.services.hub.unmuted.set()
    return {"muted": False}


async def repeat(call: ControlCall) -> Json:
    """Deliver a message again ({"message": id, "times": 1}), or each event with a probability from now on."""
    if call.body.get("message") is not None:
        message = call.message()
        for _ in range(call.number("times", 1, whole=True)):
            posting.repeat(call.world, message)
        return {"message": str(message.id)}
    probability = _probability(call)
    call.services.hub.delivery.repeat(probability, call.number("seed", 0, whole=True))
    return {"probability": probability}


def _probability(call: ControlCall) -> float:
    probability: float = call.number("probability")
    if not 0 <= probability <= 1:
        raise ControlError("probability must be between 0 and 1.")
    return probability


async def shuffle(call: ControlCall) -> Json:
    """Deliver out of order across channels, in order within each.

    Events are held until ``size`` wait or ``delay`` seconds passed; size 0 ends it.
    """
    size, delay = call.number("size", whole=True), call.number("delay", 0.2)
    if size < 0 or delay < 0:
        raise ControlError("size and delay must not be negative.")
    delivery = call.services.hub.delivery
    if size:
        delivery.shuffle(size, delay, call.number("seed", 0, whole=True))
    else:
        delivery.restore()
    return {"size": size, "delay": delay}


async def dispatch(call: ControlCall) -> Json:
    """Send any event to every session, well formed or not.

    {"event", "data"}; {"event", "text"}: data in the words in which it is sent, JSON or not; {"frame"}: a whole frame
    in such words; or {"message": id, "without": ["content"]}: MESSAGE_CREATE of a message without some keys.
    """
    if call.body.get("frame") is not None:
        return {"sessions": call.services.hub.send_frame(call.text("frame"))}
    if call.body.get("text") is not None:
        return {"sessions": call.services.hub.send_raw(call.text("event"), call.text("text"))}
    if call.body.get("message") is not None:
        message = call.message()
        data: Any = event_payload(message, call.world.messages.get, with_nonce=True)
        for key in call.items("without", []):
            data.pop(str(key), None)
        name = "MESSAGE_CREATE"
    else:
        name, data = call.text("event"), call.body.get("data")
    return {"sessions": call.services.hub.send_raw(name, encode(data))}


async def storm(call: ControlCall) -> Json:
    """Do the same to every gateway connection to come, at one moment of it; connections that exist are left alone.

    at: upgrade (instead of 101), connect (before Hello), hello (after it), identify (instead of beginning or resuming
    a session), resume (instead of resuming one), ready (after READY or RESUMED).
    does: cut (TCP), close (with code), reconnect (op 7), invalid-session (op 9, resumable or not), silence (send
    nothing any more); at upgrade only page (HTML with status).
    count: to how many connections (null: all until POST /gateway/calm). An IDENTIFY that meets a storm counts.
    """
    new = call.part({name: value for name, value in call.body.items() if value is not None}).read_as(Storm)
    call.services.hub.storm = new
    return new.model_dump()


async def ready(call: ControlCall) -> Json:
    """Replace fields of every READY to come, such as {"session_id": null}; POST /gateway/calm ends it."""
    call.services.hub.ready_fields = call.mapping("fields")
    return {"fields": call.services.hub.ready_fields}


async def calm(call: ControlCall) -> Json:
    """End the storm and send READY as it is; connections that exist are left alone."""
    call.services.hub.calm()
    return {"storm": None}


async def outage(call: ControlCall) -> Json:
    """Refuse connections and cut the existing ones for some seconds, then serve on the same port again.

    The control API stays.
    """
    seconds: float = call.number("seconds")
    if not 0 < seconds <= MAX_OUTAGE:
        raise ControlError(f"seconds must be more than 0 and at most {MAX_OUTAGE:.0f}.")
    call.services.begin_outage(seconds)
    return {"seconds": seconds}


def _settings(services: Services) -> dict[str, tuple[object, str]]:
    """Return the object and the attribute that hold each setting; times are in seconds."""
    options, interactions = services.options, services.interactions
    return {
        "nonce_window": (services.world.nonces, "window"),
        "message_rate": (services.limits, "message_rate"),
        "global_rate": (services.limits, "global_rate"),
        "resume_window": (options, "resume_window"),
        "heartbeat_interval": (options, "heartbeat_interval"),
        "sessions_left": (services, "sessions_left"),
        "interaction_deadline": (interactions, "deadline"),
        "interaction_token_life": (interactions, "token_life"),
        "denied_intents": (services.application, "denied_intents"),
        "token": (services.application, "token"),
    }


async def settings(call: ControlCall) -> Json:
    """Show the settings that can change while the sandbox runs."""
    values = {name: getattr(*where) for name, where in _settings(call.services).items()}
    rates = {name: "off" if values[name] is None else str(values[name]) for name in _RATES}
    return {**values, **rates, "denied_intents": sorted(values["denied_intents"])}


async def change_settings(call: ControlCall) -> Json:
    """Change settings: see GET /settings for their names; times in seconds, rates as 5/5 or off.

    sessions_left: how many sessions may still begin today (GET /gateway/bot tells it); the next one resets the token.
    """
    known = _settings(call.services)
    unknown = sorted(set(call.body) - set(known))
    if unknown:
        raise ControlError(f"{unknown[0]!r} is not a setting: choose from {', '.join(known)}.")
    named = [name for name in known if call.body.get(name) is not None]
    changes = {name: _setting(call, name) for name in named}
    for name, value in changes.items():
        holder, attribute = known[name]
        setattr(holder, attribute, value)
    return await settings(call)


def _setting(call: ControlCall, name: str) -> object:
    """Check the new value of a setting."""
    if name in _RATES:
        try:
            return RateLimit.parse(str(call.body[name]))
        except SandboxError as error:
            raise ControlError(str(error)) from error
    if name == "denied_intents":
        denied = frozenset(map(str, call.items(name)))
        if denied - PRIVILEGED_BY_NAME.keys():
            raise ControlError(f"denied_intents are among {', '.join(PRIVILEGED_BY_NAME)}.")
        return denied
    if name == "token":
        return call.text(name)
    number: float = call.number(name, whole=name == "sessions_left")
    if number < 0:
        raise ControlError("Times and sessions_left must not be negative.")
    return number
