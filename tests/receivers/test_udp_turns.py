"""A socket with datagrams is read in turns; an idle one, or one with a small buffer, is watched."""

import socket
from collections.abc import Callable, Iterator

import pytest

from collector.receivers.udp_turns import UdpTurns


class Loop:
    """The part of an event loop that turns use; the clock stands still unless told otherwise."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.watched: dict[int, Callable[[], None]] = {}
        self.timers: list[tuple[float, Callable[[], None]]] = []

    def time(self) -> float:
        return self.now_s

    def add_reader(self, descriptor: int, callback: Callable[[], None]) -> None:
        self.watched[descriptor] = callback

    def remove_reader(self, descriptor: int) -> bool:
        return self.watched.pop(descriptor, None) is not None

    def call_at(self, when_s: float, callback: Callable[[], None]) -> "Timer":
        self.timers.append((when_s, callback))
        return Timer(self)

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
    def __init__(self, buffer_octets: int) -> None:
        self._buffer_octets = buffer_octets

    def fileno(self) -> int:
        return 7

    def getsockopt(self, level: int, option: int) -> int:
        assert (level, option) == (socket.SOL_SOCKET, socket.SO_RCVBUF)
        return self._buffer_octets


def turns_of(loop: Loop, found: Iterator[bool], buffer_octets: int = 64 << 20) -> UdpTurns:
    return UdpTurns(loop, Sock(buffer_octets), lambda: next(found))  # type: ignore[arg-type]


def test_turns_go_on_while_there_are_datagrams_then_it_is_watched() -> None:
    loop = Loop()
    turns_of(loop, iter([True, True, False])).start()
    loop.watched[7]()
    assert (list(loop.watched), len(loop.timers)) == ([], 1)
    loop.run_timer()
    assert (list(loop.watched), len(loop.timers)) == ([], 1)
    assert 100.0 < loop.now_s < 100.1
    loop.run_timer()
    assert (list(loop.watched), loop.timers) == ([7], [])


def test_a_long_turn_is_followed_at_once() -> None:
    loop = Loop()

    def read() -> bool:
        loop.now_s += 5.0
        return True

    UdpTurns(loop, Sock(64 << 20), read).start()  # type: ignore[arg-type]
    loop.watched[7]()
    assert loop.timers[0][0] < loop.now_s


def test_a_small_buffer_is_always_watched() -> None:
    loop = Loop()
    turns_of(loop, iter([True, False]), buffer_octets=212_992).start()
    loop.watched[7]()
    loop.watched[7]()
    assert (list(loop.watched), loop.timers) == ([7], [])


@pytest.mark.parametrize("waiting", [False, True])
def test_nothing_is_read_after_the_stop(waiting: bool) -> None:
    loop = Loop()
    turns = turns_of(loop, iter([True]))
    turns.start()
    if waiting:
        loop.watched[7]()
    turns.stop()
    assert (loop.watched, loop.timers) == ({}, [])
