from pathlib import Path

import pytest

from collector.errors import SteeringError
from collector.steering import bcc_loader
from collector.steering.allow_list import AllowList
from collector.steering.attach import attach
from collector.steering.bcc_loader import LoaderError
from collector.steering.slots import SlotTable
from tests.steering.devices import arrivals, is_unanswered, knock, reached, steered
from tests.steering.threads import without_privilege

_SOURCES = [*(f"127.0.{host % 3}.{host}" for host in range(1, 41)), "::1"]
_SOURCE = bcc_loader.Source("steer.c", "steer", bcc_loader.SK_REUSEPORT, {})


@pytest.mark.parametrize("slots", [1, 2, 3, 7, 256])
def test_unprivileged_user_gets_each_device_to_its_slot(slots: int) -> None:
    table = SlotTable(slots, aliases={"127.0.0.3": "::1", "::1": "127.0.0.9"})

    def knock_all() -> None:
        with steered(table, None, "auto") as (steering, groups):
            assert steering.rung == "cbpf"
            assert "CAP_BPF" in steering.reason
            assert "buckets cannot be moved" in steering.reason
            for group in groups:
                for source in _SOURCES:
                    assert reached(group, source) == [table.slot_of(source)], (group, source)

    without_privilege(knock_all)


def test_unprivileged_user_refuses_strangers_in_silence() -> None:
    table = SlotTable(3)

    def knock_all() -> None:
        with steered(table, AllowList(["127.0.0.0/24", "::1"]), "cbpf") as (steering, groups):
            udp, tcp = groups
            strangers = [
                knock(group, f"127.0.1.{host}") for group in groups for host in range(1, 31)
            ]
            for group in groups:
                for source in ("127.0.0.1", "127.0.0.2", "::1"):
                    assert reached(group, source) == [table.slot_of(source)]
                assert arrivals(group, within_s=0) == []
            assert all(is_unanswered(sock) for sock in strangers[30:])
            assert steering.counters() == {"refused_by_allow_list": 60}
            assert {steering.receive_drops(sock) for sock in udp.sockets + tcp.sockets} == {0}
            for sock in strangers:
                sock.close()

    without_privilege(knock_all)


def test_reload_of_classic_steering() -> None:
    table = SlotTable(7)
    with steered(table, None, "cbpf") as (steering, groups):
        other = next(f"127.0.0.{n}" for n in range(2, 99) if table.slot_of(f"127.0.0.{n}"))
        first = next(f"127.0.0.{n}" for n in range(2, 99) if not table.slot_of(f"127.0.0.{n}"))
        with_alias = SlotTable(7, aliases={other: first})
        steering.update(with_alias, AllowList([f"{other}/32"]))
        for group in groups:
            assert reached(group, other) == [0]
            knock(group, first).close()
            assert reached(group, other) == [0]
        assert steering.counters()["refused_by_allow_list"] == 2

        with pytest.raises(SteeringError, match="moved bucket"):
            steering.update(SlotTable(7, {1: 2}), None)
        with pytest.raises(SteeringError, match=r"workers = 8: .* \(7\) is fixed"):
            steering.update(SlotTable(8), None)
        assert reached(groups[0], other) == [0]


def test_off_is_for_one_worker() -> None:
    with steered(SlotTable(1), AllowList(["127.0.0.0/24"]), "off") as (steering, groups):
        assert (steering.rung, steering.reason) == (
            "off",
            "steering is off: one worker takes all; missing: nothing",
        )
        for group in groups:
            knock(group, "127.0.1.1").close()
            assert reached(group, "127.0.0.1") == [0]
        assert steering.counters() == {"refused_by_allow_list": 2}


def test_off_with_two_workers_is_refused() -> None:
    with (
        pytest.raises(SteeringError, match="cannot be off with 2 workers"),
        steered(SlotTable(2), None, "off"),
    ):
        pass


def test_ebpf_without_privilege_is_refused() -> None:
    def try_it() -> None:
        with steered(SlotTable(2), None, "ebpf"):
            pass

    with pytest.raises(SteeringError, match=r"ebpf is not possible: eBPF needs root or .* CAP_BPF"):
        without_privilege(try_it)


def test_auto_names_every_refusal() -> None:
    def try_it() -> None:
        with steered(SlotTable(2, {1: 0}), None, "auto"):
            pass

    with pytest.raises(SteeringError) as caught:
        without_privilege(try_it)
    for part in ("CAP_BPF", "moved bucket", "cannot be off"):
        assert part in str(caught.value)


def test_group_of_another_size_is_refused() -> None:
    with (
        steered(SlotTable(2), None, "cbpf") as (_, groups),
        pytest.raises(SteeringError, match="2 sockets for 3 slots"),
    ):
        attach(groups, SlotTable(3), None, "cbpf")


def test_missing_bcc_is_told_with_its_package(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # The child's file elsewhere, and with nowhere to look.
    copy = tmp_path / "bcc_compiler.py"
    copy.write_text(bcc_loader._CHILD.read_text().replace("/usr", "/nowhere"))
    monkeypatch.setattr(bcc_loader, "_CHILD", copy)
    with pytest.raises(LoaderError, match="Debian: python3-bpfcc, other distributions"):
        bcc_loader.load([_SOURCE], [])


def test_loader_that_dies_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    copy = tmp_path / "bcc_compiler.py"
    copy.write_text("import sys\nsys.exit('out of luck')\n")
    monkeypatch.setattr(bcc_loader, "_CHILD", copy)
    with pytest.raises(LoaderError, match="ended with 1: out of luck"):
        bcc_loader.load([_SOURCE], [])
