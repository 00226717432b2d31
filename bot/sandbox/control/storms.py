"""A gateway that misbehaves on every connection, from now on until it is told to stop."""

from __future__ import annotations

from pydantic import ValidationError

from bot.sandbox.control.call import ControlCall, ControlRoute
from bot.sandbox.errors import ControlError, first_problem
from bot.sandbox.gateway.storm import Storm
from bot.sandbox.json_codec import Json


def routes() -> list[ControlRoute]:
    """List the routes."""
    return [
        ControlRoute("POST", "/gateway/storm", storm, {"at": "hello", "does": "close", "code": 4000, "count": 3}),
        ControlRoute("POST", "/gateway/ready", ready, {"fields": {"session_id": None}}),
        ControlRoute("POST", "/gateway/calm", calm),
    ]


async def storm(call: ControlCall) -> Json:
    """Do the same to every gateway connection to come, at one moment of it; those that stand are left alone.

    at: upgrade (instead of 101), connect (before Hello), hello (after it), identify (instead of beginning or resuming
    a session), resume (instead of resuming one), ready (after READY or RESUMED).
    does: cut (TCP), close (with code), reconnect (op 7), invalid-session (op 9, resumable or not), silence (send
    nothing any more); at upgrade only page (HTML with status).
    count: to how many connections (null: all until POST /gateway/calm). An IDENTIFY that meets a storm counts.
    """
    try:
        new = Storm.model_validate({name: value for name, value in call.body.items() if value is not None})
    except ValidationError as error:
        raise ControlError(first_problem(error)) from error
    call.services.hub.storm = new
    return new.model_dump()


async def ready(call: ControlCall) -> Json:
    """Replace fields of every READY to come, such as {"session_id": null}; POST /gateway/calm ends it."""
    call.services.hub.ready_fields = call.mapping("fields")
    return {"fields": call.services.hub.ready_fields}


async def calm(call: ControlCall) -> Json:
    """End the storm and send READY as it is; connections that stand are left alone."""
    call.services.hub.calm()
    return {"storm": None}
