"""Sockets with datagrams are read in turns; idle ones, or of small buffers, are watched."""

import socket
from collections.abc import Callable, Iterable
from functools import partial

import pytest

from collector.receivers.udp import MAX_READS
from collector.receivers.udp_turns import UdpTurns


class Loop:
    """The part of an event loop that turns use; the clock stands still unless told otherwise."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.watched: dict[int, Callable[[], None]] = {}
        self.timers: list[tuple[float, Callable[[], None]]] = []

    def time(self) -> float:
        return self.now_s

    def add_reader(self, descriptor: int, callback: Callable[..., None], *given: object) -> None:
        self.watched[descriptor] = partial(callback, *given)

    def remove_reader(self, descriptor: int) -> bool:
        return self.watched.pop(descriptor, None) is not None

    def call_at(self, when_s: float, callback: Callable[[], None]) -> "Timer":
        self.timers.append((when_s, callback))
        return Timer(self)

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> "Timer":
        return self.call_at(self.now_s + delay_s, callback)

    def call_soon(self, callback: Callable[[], None]) -> "Timer":
        return self.call_at(self.now_s, callback)

    def run_timer(self) -> None:
        when_s, callback = self.timers.pop()
        self.now_s = max(self.now_s, when_s)
        callback()


class Timer:
    def __init__(self, loop: Loop) -> None:
        self._loop = loop

    def cancel(self) -> None:
        self._loop.timers.clear()


class Sock:
    def __init__(self, buffer_octets: int, descriptor: int) -> None:
        self._buffer_octets = buffer_octets
        self._descriptor = descriptor

    def fileno(self) -> int:
        return self._descriptor

    def getsockopt(self, level: int, option: int) -> int:
        assert (level, option) == (socket.SOL_SOCKET, socket.SO_RCVBUF)
        return self._buffer_octets


TURN_S = 0.1
LARGE, SMALL = 64 << 20, 212_992


class Turns:
    """Turns of sockets 7, 8, ... that find so many datagrams, one number after the other."""

    def __init__(self, found: dict[int, Iterable[int]], small: tuple[int, ...] = ()) -> None:
        self.loop = Loop()
        self.ends = 0
        self.turns = UdpTurns(
            self.loop,  # type: ignore[arg-type]
            [
                (Sock(SMALL if number in small else LARGE, number), partial(next, iter(counts), 0))
                for number, counts in found.items()
            ],  # type: ignore[misc]
            TURN_S,
            self._end,
        )
        self.turns.start()

    def _end(self) -> None:
        self.ends += 1

    @property
    def state(self) -> tuple[list[int], int, int]:
        """Sockets that are watched, timers that run, turns that ended."""
        return sorted(self.loop.watched), len(self.loop.timers), self.ends


def test_turns_go_on_while_there_are_datagrams_then_sockets_are_watched() -> None:
    turns = Turns({7: [5, 0, 0], 8: [0, 1, 0]})
    assert turns.state == ([7, 8], 0, 0)
    turns.loop.watched[7]()
    assert turns.state == ([], 1, 1)
    turns.loop.run_timer()
    assert turns.state == ([], 1, 2)
    assert turns.loop.now_s == 100.0 + TURN_S
    turns.loop.run_timer()
    assert turns.state == ([7, 8], 0, 3)


def test_under_load_turns_are_twice_as_long() -> None:
    turns = Turns({7: [1, 60, 150, 1, 1], 8: [0, 60, 0, 0, 0]})
    turns.loop.watched[7]()
    lengths = []
    for _ in range(4):
        before_s = turns.loop.now_s
        turns.loop.run_timer()
        lengths.append(round((turns.loop.now_s - before_s) / TURN_S))
    # 120 datagrams in a tenth of a second are a load, and so are 150 in two; one is none.
    assert lengths == [1, 2, 2, 1]


def test_a_long_turn_is_followed_at_once() -> None:
    loop = Loop()

    def read() -> int:
        loop.now_s += 5.0
        return 1

    UdpTurns(loop, [(Sock(LARGE, 7), read)], TURN_S, lambda: None).start()  # type: ignore[arg-type,list-item]
    loop.watched[7]()
    assert loop.timers[0][0] < loop.now_s


def test_who_is_behind_goes_on_without_a_pause() -> None:
    turns = Turns({7: [MAX_READS, 3, 0]})
    turns.loop.watched[7]()
    assert turns.loop.timers[0][0] == turns.loop.now_s
    turns.loop.run_timer()
    assert turns.loop.timers[0][0] > turns.loop.now_s


def test_a_small_buffer_is_always_watched_and_its_batch_ends_with_the_turn() -> None:
    turns = Turns({7: [1, 4, 0, 0], 8: [0, 0]}, small=(7,))
    turns.loop.watched[7]()
    turns.loop.watched[7]()
    assert turns.state == ([7], 1, 0)
    turns.loop.run_timer()
    assert turns.loop.now_s == 100.0 + TURN_S
    assert turns.state == ([7, 8], 0, 1)


@pytest.mark.parametrize("waiting", [False, True])
@pytest.mark.parametrize("small", [(), (7,)])
def test_nothing_is_read_after_the_stop(waiting: bool, small: tuple[int, ...]) -> None:
    turns = Turns({7: [1]}, small=small)
    if waiting:
        turns.loop.watched[7]()
    turns.turns.stop()
    assert (turns.loop.watched, turns.loop.timers) == ({}, [])
