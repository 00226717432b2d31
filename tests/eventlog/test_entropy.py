"""Salts and nonces are drawn many at a time, and none of them twice."""

from __future__ import annotations

from bot.eventlog.vault import Entropy


def test_no_bytes_are_handed_out_twice() -> None:
    """A nonce used twice under one key gives the words away."""
    entropy = Entropy()

    drawn = [entropy.draw(28) for _ in range(2_000)]

    assert {len(each) for each in drawn} == {28}
    assert len(set(drawn)) == len(drawn)
    joined = b"".join(drawn)
    assert len({joined[at : at + 14] for at in range(0, len(joined), 14)}) == len(joined) // 14


def test_draws_of_all_sizes_up_to_the_most() -> None:
    """What is left over of a pool is thrown away rather than handed out short."""
    entropy = Entropy()

    assert [len(entropy.draw(size)) for size in (1, 8191, 8192, 28, 8192)] == [1, 8191, 8192, 28, 8192]
