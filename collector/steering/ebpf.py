"""The first rung of steering: eBPF programs with tables that a reload rewrites.

All groups share the tables and the counters; each has its own program and socket array, because the
kernel refuses to choose a socket of another group (EBADFD).
"""

import os
import socket
import struct
from collections.abc import Sequence
from contextlib import ExitStack, closing

from collector.errors import SteeringError
from collector.steering import socket_options
from collector.steering.allow_list import AllowList
from collector.steering.bcc_loader import SK_REUSEPORT, SOCKET_FILTER, LoaderError, Source, load
from collector.steering.bpf_maps import KeyedMap, SharedArray, SocketArray
from collector.steering.slots import BUCKETS, SlotTable
from collector.steering.sockets import Group

_WORDS = struct.Struct("=4I")
_COOKIE, _COUNTER = struct.Struct("=Q"), struct.Struct("=I")
_MOST_ALIASES = _MOST_PREFIXES = 1 << 16
_EVERYBODY = AllowList(["0.0.0.0/0", "::/0"])

# enum counter of bpf/counters.h; then come the slots, then the listening sockets.
_DROPPED = ("unsteered.not_ip", "unsteered.unreadable", "unsteered.select_failed")
_REFUSED_IN_SESSION = len(_DROPPED)
_FIRST_SLOT = _REFUSED_IN_SESSION + 1


class _Tables:
    """The maps that all programs share, and their file descriptors as bpf/ names them."""

    def __init__(self, stack: ExitStack, slots: int, sockets: Sequence[socket.socket]) -> None:
        first_listener = _FIRST_SLOT + slots
        self.counter_of = {sock: first_listener + n for n, sock in enumerate(sockets)}
        counters = SharedArray("counters", first_listener + len(sockets))
        self.counters = stack.enter_context(closing(counters))
        self.buckets = stack.enter_context(closing(SharedArray("buckets", BUCKETS)))
        aliases = KeyedMap.hash("aliases", _WORDS.size, _WORDS.size, _MOST_ALIASES)
        self.aliases = stack.enter_context(closing(aliases))
        prefixes = KeyedMap.trie("prefixes", AllowList.TRIE_KEY_OCTETS, _MOST_PREFIXES)
        self.prefixes = stack.enter_context(closing(prefixes))
        listeners = KeyedMap.hash("listeners", _COOKIE.size, _COUNTER.size, len(sockets))
        self.listeners = stack.enter_context(closing(listeners))
        self.listeners.replace(
            {
                _COOKIE.pack(socket_options.cookie(sock)): _COUNTER.pack(counter)
                for sock, counter in self.counter_of.items()
            }
        )
        self.fds = {
            "COUNTERS_FD": self.counters.fd,
            "BUCKETS_FD": self.buckets.fd,
            "ALIASES_FD": self.aliases.fd,
            "PREFIXES_FD": self.prefixes.fd,
            "LISTENERS_FD": self.listeners.fd,
        }

    def write(self, table: SlotTable, allow: AllowList) -> None:
        """Make the programs follow these; SteeringError if they do not fit, before any change."""
        aliases = {_WORDS.pack(*a): _WORDS.pack(*d) for a, d in table.aliases.items()}
        prefixes = dict.fromkeys(allow.trie_keys(), b"\1")
        self.aliases.check_room(aliases)
        self.prefixes.check_room(prefixes)

        self.aliases.replace(aliases)
        for bucket in range(BUCKETS):
            moved_to = table.buckets.get(bucket)
            self.buckets.values[bucket] = 0 if moved_to is None else moved_to + 1
        self.prefixes.replace(prefixes)


class EbpfSteering:
    """Programs and tables of all groups; attached when made.

    Raises:
        SteeringError: no BCC, no privilege, no kernel support, or a table too small.
    """

    name = "ebpf"
    missing = ""

    def __init__(self, groups: Sequence[Group], table: SlotTable, allow: AllowList | None) -> None:
        self._sockets = [sock for group in groups for sock in group.sockets]
        self._slots = table.slots
        self._filtered = False
        with ExitStack() as stack:
            self._tables = _Tables(stack, table.slots, self._sockets)
            self._steer(groups, table, allow, stack)
            self._stack = stack.pop_all()

    def update(self, table: SlotTable, allow: AllowList | None) -> None:
        """Write the tables; the programs stay, and so does every device that did not move.

        Raises:
            SteeringError: more aliases or prefixes than a table holds; nothing was changed.
        """
        self._tables.write(table, _EVERYBODY if allow is None else allow)
        self._filter(allow)

    def counters(self) -> dict[str, int]:
        """Return the totals of all groups since the programs were attached.

        What the allow-list refused was steered before, and stands in both.
        """
        totals = self._tables.counters.values.tolist()
        first_listener = _FIRST_SLOT + self._slots
        told = dict(zip(_DROPPED, totals, strict=False))
        told["refused_by_allow_list"] = totals[_REFUSED_IN_SESSION] + sum(totals[first_listener:])
        for slot, total in enumerate(totals[_FIRST_SLOT:first_listener]):
            told[f"steered.{slot}"] = total
        return told

    def refused(self, sock: socket.socket) -> int:
        """Return how many packets the allow-list refused at one of the groups' sockets."""
        return self._tables.counters.values[self._tables.counter_of[sock]]

    def close(self) -> None:
        """Close the tables; the sockets stay steered as they are."""
        self._stack.close()

    def _steer(
        self, groups: Sequence[Group], table: SlotTable, allow: AllowList | None, stack: ExitStack
    ) -> None:
        """Load the programs, and open each group with its own when all else stands.

        The programs hold what they use of the maps, and the sockets hold the programs.
        """
        fds = self._tables.fds
        with ExitStack() as until_attached:
            arrays = []
            for group in groups:
                array = SocketArray(sock.fileno() for sock in group.sockets)
                arrays.append(until_attached.enter_context(closing(array)))
            sources = [Source("allow.c", "allow", SOCKET_FILTER, fds)]
            for number, array in enumerate(arrays):
                name = f"steer_{number}"
                defines = fds | {"STEER": name, "SLOTS": self._slots, "SOCKETS_FD": array.fd}
                sources.append(Source("steer.c", name, SK_REUSEPORT, defines))
            try:
                programs = load(sources, [*fds.values(), *(array.fd for array in arrays)])
            except LoaderError as error:
                raise SteeringError(str(error)) from error
            self._allow_program, *steer = programs
            stack.callback(os.close, self._allow_program)
            for program in steer:
                until_attached.callback(os.close, program)
            try:
                self.update(table, allow)
                for group, program in zip(groups, steer, strict=True):
                    socket_options.attach_loaded_steering(group.sink, program)
            except SteeringError:
                for sock in self._sockets:  # nothing may stay for the next rung to trip over
                    socket_options.detach_filter(sock)
                raise

    def _filter(self, allow: AllowList | None) -> None:
        """Attach the filter once there is an allow-list; then it stays, whatever is reloaded."""
        if allow is None or self._filtered:
            return
        for sock in self._sockets:
            socket_options.attach_loaded_filter(sock, self._allow_program)
        self._filtered = True
