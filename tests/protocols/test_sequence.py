import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.protocols.sequence import MAX_LATE, MAX_LOST, RESTART_RUN, UNKNOWN, SequenceTracker

Step = tuple[int, int]


def _followed(*steps: Step) -> tuple[SequenceTracker, list[str | None]]:
    tracker = SequenceTracker()
    surprises = [tracker.follow(*step) for step in steps]
    return tracker, [surprise and surprise.kind for surprise in surprises]


def test_a_gap_counts_what_is_missing() -> None:
    tracker, told = _followed((100, 10), (110, 5), (120, 5), (125, 1))
    assert told == [None, None, "gap", None]
    assert (tracker.gaps, tracker.lost, tracker.expected) == (1, 5, 126)


def test_the_counter_wraps() -> None:
    tracker, told = _followed((2**32 - 5, 10), (5, 1), (8, 1))
    assert told == [None, None, "gap"]
    assert tracker.lost == 2


def test_datagrams_that_swap_places_are_late_and_not_lost_in_the_end() -> None:
    tracker, told = _followed((0, 10), (20, 10), (10, 10), (30, 10))
    assert told == [None, "gap", "late", None]
    assert (tracker.lost, tracker.recovered, tracker.late) == (10, 10, 1)


def test_a_duplicate_recovers_nothing() -> None:
    tracker, told = _followed((0, 10), (10, 10), (10, 10))
    assert told == [None, None, "late"]
    assert (tracker.recovered, tracker.expected) == (0, 20)


def test_a_burst_that_comes_late_is_no_restart_while_others_come_in_order() -> None:
    late = [(sequence, 10) for sequence in range(10, 60, 10)]
    in_order = [(sequence, 10) for sequence in range(60, 110, 10)]
    mixed = [step for pair in zip(in_order, late, strict=True) for step in pair]
    tracker, _ = _followed((0, 10), *mixed)
    assert (tracker.restarts, tracker.late) == (0, 5)
    assert tracker.lost == tracker.recovered == 50


@pytest.mark.parametrize("ahead", [MAX_LOST + 1, 2**31, 2**32 - MAX_LATE - 1])
def test_a_far_jump_is_a_restart_at_once(ahead: int) -> None:
    tracker, told = _followed((0, 0), (ahead, 3), (ahead + 3, 3))
    assert told == [None, "restart", None]
    assert (tracker.lost, tracker.restarts) == (0, 1)


def test_a_restart_just_below_is_seen_after_a_few_datagrams() -> None:
    steps = [(sequence, 10) for sequence in range(0, 10 * (RESTART_RUN + 2), 10)]
    tracker, told = _followed((300, 10), *steps)
    assert told == [None, *["late"] * (RESTART_RUN - 1), "restart", None, None]
    assert tracker.expected == 10 * (RESTART_RUN + 2)


def test_an_unknown_amount_takes_the_next_datagram_as_it_comes() -> None:
    tracker, told = _followed((0, UNKNOWN), (500, 10), (510, UNKNOWN), (2, 1))
    assert told == [None, None, None, None]
    assert tracker.expected == 3


def test_a_gap_before_a_datagram_of_unknown_amount_is_still_one() -> None:
    tracker, told = _followed((0, 10), (15, UNKNOWN))
    assert told == [None, "gap"]
    assert (tracker.lost, tracker.expected) == (5, UNKNOWN)


_amounts = st.lists(st.integers(0, 100), min_size=1, max_size=40)


@given(st.integers(0, 2**32 - 1), _amounts, st.data())
def test_what_is_dropped_is_what_is_lost(start: int, amounts: list[int], data: object) -> None:
    steps, sequence = [], start
    for amount in amounts:
        steps.append((sequence, amount))
        sequence = (sequence + amount) % 2**32
    kept = data.draw(st.lists(st.booleans(), min_size=len(steps), max_size=len(steps)))
    arrived = [step for step, keep in zip(steps, kept, strict=True) if keep]
    tracker, _ = _followed(*arrived)
    if arrived:
        received = sum(amount for _, amount in arrived)
        assert received + tracker.lost == (tracker.expected - arrived[0][0]) % 2**32
    assert (tracker.late, tracker.restarts) == (0, 0)


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(-1, 70_000)), max_size=50))
def test_any_sequence_keeps_the_state_sane(steps: list[Step]) -> None:
    tracker, told = _followed(*steps)
    assert tracker.recovered <= tracker.lost
    assert (tracker.gaps, tracker.late, tracker.restarts) == tuple(
        told.count(kind) for kind in ("gap", "late", "restart")
    )
    assert -1 <= tracker.expected < 2**32
