"""Models that moderators choose: for a channel or a server, rewound with the conversation, explained by `why`."""

from __future__ import annotations

import pytest

from bot.core.events import ModelSet, ReplyComposed, ReplySent
from bot.responders import ModelFailed
from bot.responders.llm.responder import build_responder
from bot.responders.llm.settings import LlmSettings, ModelEndpoint
from bot.sandbox.control_client import ControlClient
from tests.gateway.commands.moderator import Moderator, text_of
from tests.harness import Launch, RunningBot
from tests.responders.llm.asking import PATIENT, ask
from tests.responders.llm.model_server import Fault, ModelServer, Script

USES = ("show", "set", "clear")
SMALL, LARGE = "openai:small", "openai:large"


async def test_a_chosen_model_takes_the_place_of_the_first(server: ModelServer) -> None:
    """The fallbacks follow it, and none is asked twice; a name that is none of the choices changes nothing."""
    endpoint = ModelEndpoint("openai:tiny", (SMALL,), server.url, models=(SMALL, LARGE))
    responder = build_responder(endpoint, LlmSettings(patience=PATIENT), {})
    asked: dict[str, list[str]] = {}
    try:
        for chosen in ("", "openai:gone", LARGE, SMALL):
            server.requests.clear()
            server.script = Script(fault=Fault.FILTERED)
            with pytest.raises(ModelFailed):
                await ask(responder, model=chosen)
            asked[chosen] = [request.body["model"] for request in server.requests]
    finally:
        await responder.close()

    assert responder.choices == ("openai:tiny", SMALL, LARGE)
    assert [condition.name for condition in responder.condition()] == ["openai:tiny", SMALL, LARGE]
    assert asked == {
        "": ["tiny", "small"],
        "openai:gone": ["tiny", "small"],
        LARGE: ["large", "small"],
        SMALL: ["small"],
    }


async def test_the_nearest_choice_holds_and_is_rewound_and_explained(
    launch: Launch, control: ControlClient, server: ModelServer
) -> None:
    """The channel's before the server's before that of the settings, and after a change of the settings, too."""
    moderator = Moderator(control)
    first = await _launch(launch, server, SMALL, LARGE)
    await moderator.registered()
    refused = text_of(await moderator.use("model set", {"model": "openai:gpt-900"}))
    await _ask(control, first, 1)
    await moderator.use("model set", {"model": SMALL, "scope": "server"})
    second_id = await _ask(control, first, 2)
    await moderator.use("model set", {"model": LARGE})
    third_id = await _ask(control, first, 3)
    typed = await control.use_command("model set", {"model": "ar"}, user="owner", channel="general", focused="model")
    offered = (await control.wait_for_answer(typed["id"], until="acknowledged"))["choices"]
    shown, why = text_of(await moderator.use("model show")), await moderator.ask("why", {"message": third_id})
    preview = await moderator.use("replay rewind", {"to": second_id})
    await moderator.press(preview, "Rewind")
    await moderator.sees(preview, "is rewound")
    rewound = text_of(await moderator.use("model show"))
    await moderator.ask("undo")
    await _ask(control, first, 4)
    await first.stop()
    second = await _launch(launch, server, SMALL)
    await _ask(control, second, 5)
    gone = text_of(await moderator.use("model show"))
    await moderator.use("model clear")
    cleared = text_of(await moderator.use("model show"))

    answers = await second.judge.of(ReplyComposed)
    assert [answer.model for answer in answers] == ["openai:tiny", SMALL, LARGE, LARGE, SMALL]
    assert answers[0].model_set == 0
    assert answers[1].model_set == answers[4].model_set != answers[2].model_set == answers[3].model_set
    assert "It is one of: openai:tiny, openai:small, openai:large." in refused
    assert [choice["name"] for choice in offered] == [LARGE]
    assert f"is {LARGE}, version" in shown
    assert f"model chosen: {LARGE}, version" in why
    assert "The model becomes what it was." in text_of(preview)
    assert f"is {SMALL}, version" in rewound
    assert f"not in the settings any more: {LARGE}," in gone
    assert f"is {SMALL}, version" in gone
    assert LARGE not in cleared


async def test_only_moderators_choose_and_only_from_the_list(
    launch: Launch, control: ControlClient, server: ModelServer
) -> None:
    """Whoever types gets the list; without one there is nothing to choose."""
    moderator = Moderator(control)
    running = await launch(replies={"responder": "llm"}, llm={"model": "openai:tiny", "base_url": server.url})
    await moderator.registered()
    without = [
        text_of(await moderator.use(f"model {name}", {"model": SMALL} if name == "set" else {})) for name in USES
    ]
    moderator.user = "alice"
    refused = [
        text_of(await moderator.use(f"model {name}", {"model": SMALL} if name == "set" else {})) for name in USES
    ]

    assert "There is no model to choose" in without[0]
    assert "There is no model to choose" in without[1]
    assert "has no model of its own to clear" in without[2]
    assert all("You may not use this command" in text for text in refused)
    assert await running.judge.of(ModelSet) == []


async def _launch(launch: Launch, server: ModelServer, *models: str) -> RunningBot:
    return await launch(
        replies={"responder": "llm"},
        llm={"model": "openai:tiny", "models": list(models), "base_url": server.url, "stream": False},
    )


async def _ask(control: ControlClient, running: RunningBot, answers: int) -> str:
    """Ask the bot, wait until it has given so many answers, and return the question's id."""
    posted = await control.post("how are you", mention=["sandbox-bot"])
    await running.judge.expect(ReplySent, answers)
    return str(posted["id"])
