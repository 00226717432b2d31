"""The example that the protocol's documentation promises works."""

from __future__ import annotations

import doctest

from bot.responders import Responder, compile_rules, protocol


def test_example_in_the_documentation_runs() -> None:
    """The ten lines that promise to be a whole responder are one."""
    result = doctest.testmod(protocol)

    assert result.attempted > 0
    assert result.failed == 0


def test_rules_are_a_responder_that_needs_no_history() -> None:
    """And they cost nothing, so that they answer at once."""
    rules: Responder = compile_rules([])

    assert (rules.name, rules.costs, rules.wants_history, rules.answers_everything) == ("rules", *[False] * 3)
