"""Any schedule of deliveries, crashes, faults, deletions and edits: no reply twice, no message lost.

A Hypothesis state machine drives the real pure core (``decide``, ``evolve``, ``next_step``, ``judge_look`` and more)
inside models of the log, of Discord and of the process around it. A crash comes between any two steps, and a request
may land after its sender is dead.

One combination is excluded because nobody can serve it: Discord has forgotten a nonce, and a request lands after the
look that would have found it and before the repeat that this look allowed. The look saw nothing, the nonce catches
nothing, and the part is there twice. So a nonce is forgotten only while no request that carries it is on its way and
no look from before its landing is relied on; where nonces are not remembered at all, requests land before a look or
never.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.simulation.discord_model import Memory
from tests.simulation.judging import judge_end, judge_outbox, judge_record
from tests.simulation.world import CHANNELS, Weather, World

EXAMPLES, STEPS = 500, 40
REQUIRED_STEPS = 10_000

choices = st.integers(0, 60)
rounds = st.integers(0, 4)
channels = st.integers(0, CHANNELS - 1)
counts = st.integers(0, 2)
often = st.sampled_from((True, True, True, False))


class Delivery(RuleBasedStateMachine):
    """What happens in a world, one thing after the other; after each, everything goes on for some ``rounds``."""

    steps = 0

    @initialize(memory=st.sampled_from(Memory), together=st.sampled_from((0, 0, 30)))
    def begin(self, memory: Memory, together: int) -> None:
        """Begin with nothing."""
        self.world = World(memory, together)
        self.judged = dict.fromkeys(range(CHANNELS), 0)

    @rule(
        channel=channels,
        words=st.lists(st.sampled_from("ab"), min_size=1, max_size=3),
        author=st.sampled_from((7, 7, 8)),
        addressed=often,
        rounds=rounds,
    )
    def post(self, channel: int, words: list[str], author: int, rounds: int, *, addressed: bool) -> None:
        """Post a message."""
        self.world.post(channel, words, author, addressed=addressed)
        self.world.go_on(rounds)

    @rule(choice=choices, rounds=rounds)
    def delete(self, choice: int, rounds: int) -> None:
        """Delete a message, a person's or the bot's."""
        self.world.delete(choice)
        self.world.go_on(rounds)

    @rule(choice=choices, rounds=rounds)
    def edit(self, choice: int, rounds: int) -> None:
        """Edit a message."""
        self.world.edit(choice)
        self.world.go_on(rounds)

    @precondition(lambda self: self.world.process)
    @rule(choice=choices, rounds=rounds)
    def retry(self, choice: int, rounds: int) -> None:
        """Ask for an abandoned reply again."""
        self.world.retry(choice)
        self.world.go_on(rounds)

    @precondition(lambda self: self.world.process)
    @rule(choice=choices, rounds=rounds)
    def drop_reply(self, choice: int, rounds: int) -> None:
        """Have a reply given up, whatever becomes of what is on its way."""
        self.world.drop_reply(choice)
        self.world.go_on(rounds)

    @precondition(lambda self: self.world.process)
    @rule(choice=choices, rounds=rounds)
    def again(self, choice: int, rounds: int) -> None:
        """Have an answer composed anew."""
        self.world.again(choice)
        self.world.go_on(rounds)

    @rule(
        weather=st.builds(
            Weather,
            delivers=often,
            lands=often,
            sends=st.sampled_from(("fine", "fine", None, "unknown", "lost", "not yet", "forbidden")),
            commits=often,
        ),
        rounds=rounds,
    )
    def change(self, weather: Weather, rounds: int) -> None:
        """Let something else go wrong, or nothing."""
        self.world.weather = weather
        self.world.go_on(rounds)

    @precondition(lambda self: self.world.sending)
    @rule(
        choice=choices,
        how=st.sampled_from(("fine", "fine", "unknown", "lost", "not yet", "forbidden")),
        lands=st.booleans(),
        rounds=rounds,
    )
    def answer(self, choice: int, how: str, rounds: int, *, lands: bool) -> None:
        """Let a send end for its sender, however it ends in Discord."""
        self.world.answer(self.world.sending[choice % len(self.world.sending)], how, lands=lands)
        self.world.go_on(rounds)

    @precondition(lambda self: self.world.discord.on_the_way)
    @rule(choice=choices, lands=often)
    def travel(self, choice: int, *, lands: bool) -> None:
        """Let a request land, or be lost, whoever waits for it."""
        self.world.travel(choice, lands=lands)

    @precondition(lambda self: self.world.discord.memory is Memory.EXPIRING and self.world.discord.nonces)
    @rule(choice=choices)
    def forget(self, choice: int) -> None:
        """Let Discord forget a nonce."""
        self.world.forget(choice)

    @rule(channel=channels, readable=often, rounds=rounds)
    def permit(self, channel: int, rounds: int, *, readable: bool) -> None:
        """Show a channel's history, or hide it."""
        self.world.permit(channel, readable=readable)
        self.world.go_on(rounds)

    @precondition(lambda self: self.world.process)
    @rule(works=often, rounds=rounds)
    def look(self, rounds: int, *, works: bool) -> None:
        """Let looks fail, or no longer."""
        assert self.world.process
        self.world.process.look_fails = not works
        self.world.go_on(rounds)

    @rule(share=st.sampled_from((0.00001, 0.0001, 0.001, 0.6)))
    def wait(self, share: float) -> None:
        """Let time pass."""
        self.world.wait(share)

    @precondition(lambda self: self.world.process)
    @rule(channel=channels, again=st.booleans())
    def deliver(self, channel: int, *, again: bool) -> None:
        """Deliver one event, and maybe once more later."""
        self.world.deliver(self.world.rooms[channel], again=again)

    @precondition(lambda self: self.world.process)
    @rule(valid=st.booleans(), channel=channels, missed=counts, early=counts, rounds=rounds)
    def drop(self, channel: int, missed: int, early: int, rounds: int, *, valid: bool) -> None:
        """Lose the connection, and with an invalid session what it had not delivered."""
        self._chat(channel, missed)
        self.world.drop(valid=valid)
        self._chat(channel, early)
        for _ in range(early):
            self.world.deliver(self.world.rooms[channel])
        self.world.go_on(rounds)

    @precondition(lambda self: self.world.process)
    @rule(channel=channels, missed=counts, rounds=rounds)
    def crash(self, channel: int, missed: int, rounds: int) -> None:
        """End the process, whatever it was doing."""
        self.world.crash()
        self._chat(channel, missed)
        self.world.go_on(rounds)

    @precondition(lambda self: any(room.mailbox for room in self.world.rooms.values()))
    @rule(choice=choices, size=st.integers(1, 4), end=st.sampled_from(("fine", "crash before", "crash after")))
    def commit(self, choice: int, size: int, end: str) -> None:
        """Record some of what waits, or die over it."""
        rooms = [room for room in self.world.rooms.values() if room.mailbox]
        self.world.commit(rooms[choice % len(rooms)], size, end)

    @precondition(lambda self: self.world.process)
    @rule(channel=channels, catchup=st.booleans())
    def run(self, channel: int, *, catchup: bool) -> None:
        """Let a worker or a catch-up go on."""
        self.world.run(self.world.rooms[channel], catchup=catchup)

    @precondition(lambda self: self.world.process)
    @rule(channel=channels)
    def snapshot(self, channel: int) -> None:
        """Keep a channel's state for the next load."""
        self.world.log.snapshots[channel] = self.world.rooms[channel].state

    @invariant()
    def nothing_is_doubled(self) -> None:
        """Look for a part that is in Discord twice."""
        Delivery.steps += 1
        assert not self.world.discord.doubled

    @invariant()
    def no_answer_overtakes_another(self) -> None:
        """Look for an answer that began before one that the order of answers puts before it."""
        assert not self.world.overtaken

    @invariant()
    def what_is_recorded_is_so(self) -> None:
        """Judge what is new in the log."""
        for channel, judged in self.judged.items():
            stream = self.world.log.streams[channel]
            for recorded in stream[judged:]:
                judge_record(self.world, stream, recorded)
            if judged < len(stream):
                judge_outbox(self.world, channel)
            self.judged[channel] = len(stream)

    @invariant()
    def states_in_memory_are_those_of_the_log(self) -> None:
        """Compare what the process holds with what the log says."""
        for room in self.world.rooms.values():
            assert room.state == self.world.log.states[room.id]

    def _chat(self, channel: int, count: int) -> None:
        for number in range(count):
            self.world.post(channel, ["a"], 7, addressed=bool(number))

    def teardown(self) -> None:
        """Bring everything to rest, and judge: replies need no new session for that, missed messages do."""
        if not hasattr(self, "world"):
            return
        self.world.come_to_rest()
        assert not any(room.state.outbox for room in self.world.rooms.values())
        self.world.drop(valid=False)
        self.world.come_to_rest()
        self.nothing_is_doubled()
        self.what_is_recorded_is_so()
        judge_end(self.world)


@pytest.mark.slow
def test_no_schedule_doubles_or_loses_anything() -> None:
    """Try many schedules, the same ones each time."""
    Delivery.steps = 0

    run_state_machine_as_test(
        Delivery,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            derandomize=True,
            database=None,
            # Shrinking and explaining a failure take many times as long as finding it.
            phases=(Phase.generate,),
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )

    assert Delivery.steps >= REQUIRED_STEPS
