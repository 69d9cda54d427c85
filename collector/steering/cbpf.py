"""The second rung of steering: classic BPF, which needs neither privilege nor another package.

A source that the allow-list refuses is steered to the group's sink. It vanishes as with eBPF, and
the sink's drops count exactly these packets, without those that a full buffer lost.
"""

import socket
from collections.abc import Sequence

from collector.errors import SteeringError
from collector.steering import socket_options
from collector.steering.allow_list import AllowList
from collector.steering.classic_bpf import steering_program
from collector.steering.slots import SlotTable
from collector.steering.sockets import Group

_DROPS_WRAP = 1 << 32


class ClassicSteering:
    """One program for all groups; attached when made.

    Raises:
        SteeringError: buckets were moved, or there is too much to compile in.
    """

    name = "cbpf"
    missing = "buckets cannot be moved, steered packets are not counted"

    def __init__(self, groups: Sequence[Group], table: SlotTable, allow: AllowList | None) -> None:
        self._groups = groups
        self._refused = 0
        self.update(table, allow)
        # What the sinks got before belongs to the start, not to the allow-list.
        self._drops = [socket_options.drops(group.sink) for group in groups]

    def update(self, table: SlotTable, allow: AllowList | None) -> None:
        """Put a new program in place of the one there, at once for all slots of a group.

        Raises:
            SteeringError: as when made; nothing was changed.
        """
        program = steering_program(table, allow)
        for group in self._groups:
            socket_options.attach_steering(group.sink, program)

    def counters(self) -> dict[str, int]:
        """Return what the allow-list refused so far; the kernel counts nothing else here."""
        for index, group in enumerate(self._groups):
            now = socket_options.drops(group.sink)
            self._refused += (now - self._drops[index]) % _DROPS_WRAP
            self._drops[index] = now
        return {"refused_by_allow_list": self._refused}

    def refused(self, sock: socket.socket) -> int:
        """Return 0: what is refused comes to the sink and not to a slot's socket."""
        return 0

    def close(self) -> None:
        """Do nothing: the programs are the sockets' own."""


class NoSteering(ClassicSteering):
    """The third rung: one worker needs no choice, but the allow-list holds for it too.

    Raises:
        SteeringError: there are several slots, and the kernel would spread a device over them.
    """

    name = "off"
    missing = ""

    def update(self, table: SlotTable, allow: AllowList | None) -> None:
        """Give everything allowed to the one slot; the table says nothing here.

        Raises:
            SteeringError: several slots, or too many prefixes; nothing was changed.
        """
        if table.slots > 1:
            raise SteeringError(
                f"steering cannot be off with {table.slots} workers: the kernel would give a"
                " device's flows and its BMP session to different ones"
            )
        super().update(SlotTable(1), allow)
