"""The rung of steering that this machine allows, behind one face for the supervisor."""

import socket
from collections.abc import Callable, Sequence
from typing import Literal, Protocol

from collector import metrics
from collector.errors import SteeringError
from collector.steering import socket_options
from collector.steering.allow_list import AllowList
from collector.steering.cbpf import ClassicSteering, NoSteering
from collector.steering.ebpf import EbpfSteering
from collector.steering.slots import SlotTable
from collector.steering.sockets import Group

_DROPS_WRAP = 1 << 32

Mode = Literal["auto", "ebpf", "cbpf", "off"]

metrics.register(
    steered="packets given to a slot, refused ones among them (eBPF only)",
    unsteered="packets that steering could not place, by reason: they are dropped (eBPF only)",
    refused_by_allow_list="packets from addresses outside the allow-list, dropped",
)


class _Rung(Protocol):
    name: str
    missing: str

    def update(self, table: SlotTable, allow: AllowList | None) -> None: ...
    def counters(self) -> dict[str, int]: ...
    def refused(self, sock: socket.socket) -> int: ...
    def close(self) -> None: ...


_WHAT = {
    "ebpf": "a kernel program with tables and counters",
    "cbpf": "a kernel program that needs no privilege",
    "off": "one worker takes all",
}
_RUNGS: dict[str, Callable[[Sequence[Group], SlotTable, AllowList | None], _Rung]] = {
    "ebpf": EbpfSteering,
    "cbpf": ClassicSteering,
    "off": NoSteering,
}


class Steering:
    """What `attach` reached; keep it as long as the sockets."""

    def __init__(
        self, rung: _Rung, refusals: Sequence[str], slots: int, groups: Sequence[Group]
    ) -> None:
        self._rung, self._slots = rung, slots
        self.reason = _reason(rung, refusals)
        # What came while the sockets were shut is nobody's loss.
        self._before = {
            sock: socket_options.drops(sock) - rung.refused(sock)
            for group in groups
            for sock in group.sockets
        }

    @property
    def rung(self) -> str:
        """The rung taken: "ebpf", "cbpf" or "off"."""
        return self._rung.name

    def counters(self) -> dict[str, int]:
        """Return totals since `attach`: ``steered.SLOT``, ``unsteered.REASON``, and so on."""
        return self._rung.counters()

    def receive_drops(self, sock: socket.socket) -> int:
        """Return what a slot's socket lost since `attach`: the kernel's drops that nobody refused.

        At 2**32 it starts again.
        """
        # First the refused: the kernel adds to the drops after the program has counted.
        refused = self._rung.refused(sock)
        lost = (socket_options.drops(sock) - self._before[sock] - refused) % _DROPS_WRAP
        return 0 if lost > _DROPS_WRAP // 2 else lost  # a packet was between the two counters

    def update(self, table: SlotTable, allow: AllowList | None) -> None:
        """Apply a reloaded configuration to new packets; TCP sessions stay where they are.

        Raises:
            SteeringError: names what this rung cannot change while running; nothing was changed.
        """
        if table.slots != self._slots:
            raise SteeringError(
                f"workers = {table.slots}: the number of slots ({self._slots}) is fixed at start"
            )
        self._rung.update(table, allow)

    def close(self) -> None:
        """Give back what is not the sockets' own; call it after they are closed."""
        self._rung.close()


def attach(
    groups: Sequence[Group], table: SlotTable, allow: AllowList | None, mode: Mode
) -> Steering:
    """Steer the groups and open their sockets to the addresses allowed.

    Args:
        groups: all with one socket for each slot, in slot order, shut as `open_group` leaves them.
        allow: None lets everybody in, an empty list nobody.
        mode: "auto" takes the first of "ebpf", "cbpf" and "off" that works.

    Raises:
        SteeringError: the rung asked for, or every one of "auto", is refused; the text says why.
    """
    for group in groups:
        if len(group.sockets) != table.slots:
            raise SteeringError(f"{group}: {len(group.sockets)} sockets for {table.slots} slots")
    refusals: list[str] = []
    for name in _RUNGS if mode == "auto" else (mode,):
        try:
            return Steering(_RUNGS[name](groups, table, allow), refusals, table.slots, groups)
        except SteeringError as error:
            refusals.append(f"{name} is not possible: {error}")
    raise SteeringError("; ".join(refusals))


def _reason(rung: _Rung, refusals: Sequence[str]) -> str:
    why = f" ({'; '.join(refusals)})" if refusals else ""
    return f"steering is {rung.name}: {_WHAT[rung.name]}{why}; missing: {rung.missing or 'nothing'}"
