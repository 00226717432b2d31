from __future__ import annotations

from bot.core.events import AbandonReason, ReplyAbandoned, ReplyRequested, ReplySent
from bot.responders import Answer, Context, Question, Responder
from bot.sandbox.control_client import ControlClient
from tests.harness import Launch


class Talkative(Responder):
    """A responder that answers anything, as a language model would."""

    name = "talkative"

    def claims(self, question: Question) -> bool:
        """Answer everything."""
        del question
        return True

    async def answer(self, question: Question, context: Context) -> Answer:
        """Say what was asked, on one line."""
        del context
        return Answer("you said: " + " / ".join(question.text.splitlines()))


ALL = {"replies": {"answer": ["mention", "reply", "dm", "rule"]}}


async def test_messages_in_a_row_are_answered_as_one(launch: Launch, control: ControlClient) -> None:
    """The first one gets the answer, the others a reason; the next person has an answer of their own."""
    bot = await launch(responder=Talkative(), limits={"together": "1s"}, **ALL)
    posts = [{"content": text} for text in ("so", "I was", "wondering")]
    # All at once, so that no pause comes between them.
    first, second, third, other = await control.post_many([*posts, {"content": "hello", "author": "bob"}])

    sent = await bot.judge.expect(ReplySent, 2)

    assert [event.message_id for event in sent] == [int(first), int(other)]
    said = [message["content"] for message in await control.messages(author="sandbox-bot")]
    assert said == ["you said: so / I was / wondering", "you said: hello"]
    let_go = await bot.judge.of(ReplyAbandoned)
    assert [(event.message_id, event.reason) for event in let_go] == [
        (int(second), AbandonReason.TOGETHER),
        (int(third), AbandonReason.TOGETHER),
    ]


async def test_rules_take_messages_one_by_one(launch: Launch, control: ControlClient) -> None:
    """A rule matches a whole message, which a joint question is not."""
    bot = await launch(limits={"together": "200ms"}, rules=[{"match": "ask (?P<what>[a-z]+)", "reply": "re: {what}"}])
    await control.post("ask one")
    await control.post("ask two")

    await bot.judge.expect(ReplySent, 2)

    assert len(await bot.judge.of(ReplyRequested)) == 2
    assert await bot.judge.of(ReplyAbandoned) == []
