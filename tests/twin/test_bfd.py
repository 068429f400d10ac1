"""BFD against the words of RFC 5880, and two sessions with a wire between them that loses packets."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budnet.twin.bfd import DETECTION, HOPS, INTERVAL, MISSED, SLOW, Control, Session, State, decode

# RFC 5880, 4.1, by hand: version 1, diagnostic 3; state Up, Poll; multiplier 3; 24 octets; discriminators 7 and 9; microseconds
WRITTEN = bytes.fromhex("23 e0 03 18 00000007 00000009 000493e0 000f4240 00000000")


def test_a_packet_is_as_the_rfc_draws_it() -> None:
    packet = Control(State.UP, 7, 9, 0.3, 1.0, 3, poll=True, diagnostic=3)
    assert packet.encode() == WRITTEN
    assert decode(WRITTEN, HOPS) == packet


@pytest.mark.parametrize(
    ("at", "value"),
    [(0, 0x43), (1, 0xE4), (1, 0xE2), (1, 0xE1), (2, 0), (3, 23), (3, 25), (7, 0)],
    ids=["version 2", "authentication", "demand", "multipoint", "no multiplier", "too short", "longer than it is", "no discriminator"],
)
def test_what_must_be_discarded(at: int, value: int) -> None:
    """RFC 5880, 6.8.6; authentication and demand mode are not spoken here."""
    assert decode(WRITTEN[:at] + bytes([value]) + WRITTEN[at + 1 :], HOPS) is None


@pytest.mark.parametrize("hops", [0, 64, 254])
def test_what_comes_from_farther_away_is_discarded(hops: int) -> None:
    assert decode(WRITTEN, hops) is None


def test_without_the_other_discriminator_only_a_session_that_is_down() -> None:
    for state in State:
        packet = Control(state, 7, 0, 0.3, 0.3)
        assert (decode(packet.encode(), HOPS) is not None) == (state in (State.DOWN, State.ADMIN_DOWN))


@given(st.binary(max_size=40))
def test_nothing_that_arrives_breaks_it(data: bytes) -> None:
    packet = decode(data, HOPS)
    assert packet is None or packet.encode()[:4] == data[:4]


# RFC 5880, 6.2, the diagram, row by row: own state, what is received, new state
TURNS = {
    ("DOWN", "DOWN"): "INIT", ("DOWN", "INIT"): "UP", ("DOWN", "UP"): "DOWN", ("DOWN", "ADMIN_DOWN"): "DOWN",
    ("INIT", "DOWN"): "INIT", ("INIT", "INIT"): "UP", ("INIT", "UP"): "UP", ("INIT", "ADMIN_DOWN"): "DOWN",
    ("UP", "DOWN"): "DOWN", ("UP", "INIT"): "UP", ("UP", "UP"): "UP", ("UP", "ADMIN_DOWN"): "DOWN",
}  # fmt: skip


@pytest.mark.parametrize(("own", "received"), TURNS)
def test_the_state_machine(own: str, received: str) -> None:
    session = Session(state=State[own])
    said = session.heard(Control(State[received], 7, session.mine, INTERVAL, INTERVAL), 0.0)
    assert session.state is State[TURNS[own, received]]
    assert bool(said) == (own != TURNS[own, received]), "a change is told at once (6.8.7)"


def test_packets_for_another_session_are_not_heard() -> None:
    session = Session()
    assert not session.heard(Control(State.DOWN, 7, session.mine + 1, INTERVAL, INTERVAL), 0.0)
    assert session.state is State.DOWN


def test_a_poll_is_answered_at_once() -> None:
    session = Session(state=State.UP)
    (answer,) = session.heard(Control(State.UP, 7, session.mine, INTERVAL, INTERVAL, poll=True), 0.0)
    assert answer.final
    assert not answer.poll


class Wire:
    """Two sessions, and what `passes` of what they say; packets take a millisecond."""

    def __init__(self, one: float = 0.0, other: float = SLOW) -> None:
        self.ends = [Session(one), Session(other)]
        self.passes = [True, True]
        self.now = 0.0
        self.sent = [0, 0]
        self._flying: list[tuple[float, int, Control]] = []

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while (at := min([e.due for e in self.ends] + [f[0] for f in self._flying])) <= end:
            self.now = at
            landed = [f for f in self._flying if f[0] <= at]
            self._flying = [f for f in self._flying if f[0] > at]
            for _, to, packet in landed:
                again = decode(packet.encode(), HOPS)
                assert again is not None
                self._say(to, self.ends[to].heard(again, at))
            for i, session in enumerate(self.ends):
                if session.due <= at:
                    self._say(i, session.tick(at))
        self.now = end

    def _say(self, who: int, packets: list[Control]) -> None:
        self.sent[who] += len(packets)
        if self.passes[who]:
            self._flying += [(self.now + 0.001, 1 - who, p) for p in packets]

    @property
    def up(self) -> list[bool]:
        return [s.state is State.UP for s in self.ends]


def test_they_are_up_as_soon_as_a_first_word_has_been_answered() -> None:
    wire = Wire()
    wire.run(0.01)
    assert wire.up == [True, True]
    assert wire.sent[0] <= 4
    wire.run(1)
    assert not any(s.polling for s in wire.ends), "the new interval was confirmed"


def test_the_second_one_begins_where_the_first_is_silent() -> None:
    wire = Wire(one=5.0)
    wire.run(SLOW + 0.01)
    assert wire.up == [True, True]


def test_at_rest_they_speak_three_or_four_times_a_second() -> None:
    wire = Wire()
    wire.run(1)
    before = wire.sent[0]
    wire.run(10)
    assert 10 / INTERVAL <= wire.sent[0] - before <= 10 / (0.75 * INTERVAL) + 1


@pytest.mark.parametrize("lost", [(False, False), (False, True), (True, False)], ids=["both ways", "one way", "the other way"])
def test_what_is_lost_is_noticed_by_both(lost: tuple[bool, bool]) -> None:
    """Also where one of them hears everything: routes must not lead into a tunnel at one end and out of another at the other."""
    wire = Wire()
    wire.run(2)
    wire.passes = [*lost]
    wire.run(DETECTION + 0.05)
    assert wire.up == [False, False]
    wire.run(5)
    assert wire.up == [False, False]
    wire.passes = [True, True]
    wire.run(SLOW + 0.05)
    assert wire.up == [True, True]


def test_two_packets_lost_are_no_loss() -> None:
    wire = Wire()
    wire.run(2)
    for _ in range(10):
        wire.passes = [False, False]
        wire.run((MISSED - 1) * 0.75 * INTERVAL)
        wire.passes = [True, True]
        wire.run(INTERVAL)
        assert wire.up == [True, True]


@given(st.integers(0, 1 << 32))
def test_whatever_is_lost_they_agree_in_the_end(seed: int) -> None:
    chance = random.Random(seed)
    wire = Wire()
    for _ in range(8):
        wire.passes = [chance.random() < 0.6, chance.random() < 0.6]
        wire.run(chance.uniform(0, 2))
    alive = chance.random() < 0.5
    wire.passes = [alive, alive]
    wire.run((MISSED + 1) * SLOW + 0.1)  # a neighbour that was heard last while it was not up is waited for that long
    assert wire.up == [alive, alive]


def test_a_neighbour_that_began_anew_is_believed() -> None:
    """It has another discriminator and knows ours no more: the session goes down and comes up again."""
    wire = Wire()
    wire.run(2)
    wire.ends[1] = Session(wire.now)
    wire.run(DETECTION + SLOW)
    assert wire.up == [True, True]
    assert wire.ends[0].yours == wire.ends[1].mine


def test_discriminators_differ() -> None:
    assert len({Session().mine for _ in itertools.repeat(None, 100)}) == 100
