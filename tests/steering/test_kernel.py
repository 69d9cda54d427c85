"""Both BPF rungs on the real kernel: a hundred IPv4 and IPv6 devices in a network namespace."""

import socket
import subprocess
import sys
from collections.abc import Callable

import pytest

from collector.errors import SteeringError
from collector.steering import socket_options
from collector.steering.allow_list import AllowList
from collector.steering.attach import Mode, Steering
from collector.steering.slots import SlotTable
from collector.steering.sockets import Group
from tests.steering.devices import arrivals, is_unanswered, knock, reached, steered
from tests.steering.threads import give_loopback_addresses, in_network_namespace

pytestmark = pytest.mark.lab

_IPV4 = [f"10.1.{host // 10}.{host}" for host in range(1, 101)]
_IPV6 = [f"2001:db8:0:{host:x}::{host:x}" for host in range(1, 101)]
_DEVICES = _IPV4 + _IPV6
_STRANGERS = ["10.2.0.1", "2001:db8:ffff::1"]
_ALLOW = AllowList(["10.1.0.0/16", "2001:db8::/48"])
_RUNGS: tuple[Mode, ...] = ("ebpf", "cbpf")

Act = Callable[[Steering, list[Group]], None]


def _in_the_lab(table: SlotTable, allow: AllowList | None, rung: Mode, act: Act) -> None:
    def run() -> None:
        give_loopback_addresses([*(f"{a}/32" for a in _IPV4), *(f"{a}/128" for a in _IPV6)])
        give_loopback_addresses([f"{_STRANGERS[0]}/32", f"{_STRANGERS[1]}/128"])
        try:
            with steered(table, allow, rung) as (steering, groups):
                act(steering, groups)
        except SteeringError as error:
            missing = ("BCC is not installed", "CAP_BPF")
            if not any(part in str(error) for part in missing):
                raise
            pytest.skip(str(error))

    in_network_namespace(run)


@pytest.mark.parametrize("rung", _RUNGS)
@pytest.mark.parametrize("slots", [1, 2, 3, 7, 256])
def test_each_device_reaches_its_slot_by_udp_and_tcp(slots: int, rung: Mode) -> None:
    table = SlotTable(slots, aliases={_IPV6[0]: _IPV4[0], _IPV4[1]: _IPV6[1]})

    def act(steering: Steering, groups: list[Group]) -> None:
        assert steering.rung == rung
        for group in groups:
            found = {device: reached(group, device) for device in _DEVICES}
            assert found == {device: [table.slot_of(device)] for device in _DEVICES}
        if rung == "ebpf":
            # A datagram and a SYN of each; the rest of a handshake belongs to a socket already.
            expected = dict.fromkeys((f"steered.{slot}" for slot in range(slots)), 0)
            for device in _DEVICES:
                expected[f"steered.{table.slot_of(device)}"] += 2
            counters = steering.counters()
            assert {name: counters.pop(name) for name in expected} == expected
            assert set(counters.values()) == {0}

    _in_the_lab(table, None, rung, act)


@pytest.mark.parametrize("rung", _RUNGS)
def test_stranger_reaches_nobody_and_gets_no_answer(rung: Mode) -> None:
    table = SlotTable(3)

    def act(steering: Steering, groups: list[Group]) -> None:
        for group in groups:
            strangers = [knock(group, source) for source in _STRANGERS]
            assert reached(group, _IPV4[5]) == [table.slot_of(_IPV4[5])]
            assert reached(group, _IPV6[5]) == [table.slot_of(_IPV6[5])]
            if group.protocol == "tcp":
                assert all(is_unanswered(sock) for sock in strangers)
            for sock in strangers:
                sock.close()
        assert steering.counters()["refused_by_allow_list"] == 2 * len(_STRANGERS)
        # They are not taken for packets that a worker lost.
        lost = [steering.receive_drops(sock) for group in groups for sock in group.sockets]
        assert sum(lost) == 0

    _in_the_lab(table, _ALLOW, rung, act)


@pytest.mark.parametrize("rung", _RUNGS)
def test_end_of_a_worker_moves_nobody_and_loses_nothing(rung: Mode) -> None:
    table = SlotTable(3)
    sources = _DEVICES[::9]

    def act(steering: Steering, groups: list[Group]) -> None:
        copies = [group.sockets[1].fileno() for group in groups]
        worker = subprocess.Popen(
            [sys.executable, "-c", "import sys; sys.stdin.read()"],
            stdin=subprocess.PIPE,
            pass_fds=copies,
        )
        queued = [knock(groups[0], source) for source in sources]
        worker.kill()
        worker.communicate()
        queued += [knock(groups[0], source) for source in sources]
        expected = sorted(2 * [table.slot_of(source) for source in sources])
        assert arrivals(groups[0]) == expected
        for sock in queued:
            sock.close()
        for group in groups:
            for source in sources:
                assert reached(group, source) == [table.slot_of(source)]

    _in_the_lab(table, None, rung, act)


def test_reload_writes_tables_under_the_running_program() -> None:
    table = SlotTable(4)
    device, other = _IPV4[0], _IPV6[0]
    target = (table.slot_of(device) + 1) % 4
    moved = SlotTable(4, {table.bucket_of(device): target}, {other: device})

    def act(steering: Steering, groups: list[Group]) -> None:
        for group in groups:
            assert reached(group, device) == [table.slot_of(device)]
        steering.update(moved, AllowList([f"{device}/32", f"{other}/128"]))
        for group in groups:
            knock(group, _IPV4[1]).close()
            assert reached(group, device) == [target]
            assert reached(group, other) == [target]
        assert steering.counters()["refused_by_allow_list"] == 2
        steering.update(table, None)
        for group in groups:
            for source in (device, other, _IPV4[1], _STRANGERS[0]):
                assert reached(group, source) == [table.slot_of(source)]

        many = {f"2001:db8:a::{n:x}": device for n in range(1 << 16)}
        with pytest.raises(SteeringError, match=r"65537 aliases"):
            steering.update(SlotTable(4, aliases=many | {"10.200.0.1": device}), None)
        assert reached(groups[0], other) == [table.slot_of(other)]

    _in_the_lab(table, None, "ebpf", act)


def test_moved_bucket_from_the_start() -> None:
    plain = SlotTable(7)
    moves = {plain.bucket_of(device): (plain.slot_of(device) + 3) % 7 for device in _DEVICES}
    table = SlotTable(7, moves)

    def act(steering: Steering, groups: list[Group]) -> None:
        assert steering.rung == "ebpf"
        for group in groups:
            for device in _DEVICES:
                assert reached(group, device) == [(plain.slot_of(device) + 3) % 7]

    _in_the_lab(table, None, "auto", act)


def test_failed_select_is_dropped_and_counted() -> None:
    table = SlotTable(3)
    device = _IPV4[0]

    def act(steering: Steering, groups: list[Group]) -> None:
        for group in groups:
            group.sockets[table.slot_of(device)].close()
            knock(group, device).close()
            others = [
                source for source in _DEVICES if table.slot_of(source) != table.slot_of(device)
            ]
            assert reached(group, others[0]) == [table.slot_of(others[0])]
        assert steering.counters()["unsteered.select_failed"] == len(groups)

    _in_the_lab(table, None, "ebpf", act)


def test_refused_ebpf_leaves_nothing_for_the_next_rung(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(sock: socket.socket, program_fd: int) -> None:
        raise SteeringError("not today")

    monkeypatch.setattr(socket_options, "attach_loaded_steering", refuse)
    table = SlotTable(3)

    def act(steering: Steering, groups: list[Group]) -> None:
        assert steering.rung == "cbpf"
        assert "ebpf is not possible: not today" in steering.reason
        steering.update(table, None)
        for group in groups:
            assert reached(group, _STRANGERS[0]) == [table.slot_of(_STRANGERS[0])]

    _in_the_lab(table, _ALLOW, "auto", act)
