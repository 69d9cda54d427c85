"""The way of a BMP message through a worker: decode, put into tables, publish as an event."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from collector.metrics import Counters, register
from collector.pipeline.devices import DeviceDirectory
from collector.processors.bmp_tables import BmpTables
from collector.protocols.bmp.messages import BmpMessage, Initiation, PeerUp, Version4
from collector.receivers.bmp_tcp import BmpSession
from collector.rib.rib import Rib
from collector.workers.bmp_reading import BmpReading, Bodies
from collector.workers.guard import Guard
from collector.workers.snapshots import Snapshots

register(
    bmp_messages="BMP messages decoded",
    bmp_version_4="BMP messages of version 4, which are skipped",
    bmp_events_dropped="BMP events that found an output full; snapshots follow when it has room",
)

_SYSTEM_NAME = 2  # Initiation TLV, RFC 7854 section 4.4
_EVENTS_AT_ONCE = 1_000
_MAX_HINTS = 1_024  # names that one session may tell; a router has as many addresses at most
_MAX_NAME = 255

Publish = Callable[[list[dict[str, Any]]], bool]
Hint = Callable[[str, set[str]], None]


@dataclass(slots=True)
class _Session:
    session: BmpSession
    device: str
    reading: BmpReading = field(init=False)
    messages: int = 0
    last_seen_s: float | None = None
    system_name: str | None = None
    hinted: set[str] = field(default_factory=set)


class BmpPath:
    """All BMP sessions of one worker, as `BmpReceiver` hands them over.

    Args:
        guard: what fails unforeseen costs the session it failed in.
        publish: takes events; False says that they were dropped.
        has_room: whether the outputs take a long snapshot now.
        hint: takes (device, further addresses and names that its BMP calls its own).
    """

    def __init__(
        self,
        rib: Rib,
        directory: DeviceDirectory,
        counters: Counters,
        guard: Guard,
        *,
        publish: Publish,
        has_room: Callable[[], bool],
        hint: Hint,
    ) -> None:
        self.wants_events = True
        self.snapshots = Snapshots(rib, counters, guard, self._publish_snapshot, has_room)
        self._rib = rib
        self._directory = directory
        self._counters = counters
        self._guard = guard
        self._publish = publish
        self._hint = hint
        self._sessions: dict[int, _Session] = {}
        self._incomplete: set[str] = set()

    def opened(self, session: BmpSession) -> None:
        """A router connected."""
        self._guard.run("bmp_open", self._open, session)

    def received(self, session: BmpSession, messages: Sequence[bytes], now_s: float) -> bool:
        """Whole messages came, in order; False: what the session told is known no more."""
        return self._guard.run("bmp", self._take, session, messages, now_s)

    def closed(self, session: BmpSession, reason: str, now_s: float) -> None:
        """The connection ended."""
        self._guard.run("bmp_close", self._close, session, reason, now_s)

    def device_of(self, session: BmpSession) -> str | None:
        """Name the device whose tables a session fills."""
        state = self._sessions.get(session.number)
        return None if state is None else state.device

    def snapshot_incomplete(self) -> None:
        """Publish the tables of devices whose events were dropped: there is room again."""
        devices, self._incomplete = self._incomplete, set()
        self.snapshots.repair(devices)

    def _open(self, session: BmpSession) -> None:
        device = self._directory.device_of(session.address)
        state = _Session(session, device)
        tables = BmpTables(self._rib, device, session.number, self._counters)
        state.reading = BmpReading(tables, self._counters, partial(self._note, state))
        self._sessions[session.number] = state
        self._rib.session_up(device, session.number)
        self._tell_name(state, session.address)
        self._emit(device, [self._event(state, {"type": "session_up"}, session.opened_s)])

    def _take(self, session: BmpSession, messages: Sequence[bytes], now_s: float) -> None:
        state = self._sessions[session.number]
        state.messages += len(messages)
        state.last_seen_s = now_s
        self._counters.add("bmp_messages", len(messages))
        told: Bodies | None = [] if self.wants_events else None
        try:
            state.reading.take(messages, now_s, told)
        finally:  # what is in the tables is told, whatever becomes of the rest
            self._emit(state.device, [self._event(state, body, now_s) for body in told or ()])

    def _close(self, session: BmpSession, reason: str, now_s: float) -> None:
        state = self._sessions.pop(session.number)
        self._rib.session_down(state.device, session.number, now_s)
        event = self._event(state, {"type": "session_down", "reason": reason}, now_s)
        self._emit(state.device, [event])

    def sessions_by_device(self) -> dict[str, list[dict[str, Any]]]:
        """Sessions as the status shows them."""
        now_s = time.time()
        told: dict[str, list[dict[str, Any]]] = {}
        for state in self._sessions.values():
            told.setdefault(state.device, []).append(
                {
                    "address": state.session.address,
                    "port": state.session.port,
                    "system_name": state.system_name,
                    "age_s": round(now_s - state.session.opened_s, 1),
                    "last_seen_s": _age(now_s, state.last_seen_s),
                    "messages": state.messages,
                }
            )
        return told

    def _note(self, state: _Session, message: BmpMessage) -> None:
        if type(message) is Version4:
            self._counters.add("bmp_version_4")
        elif type(message) is Initiation:
            for tlv in message.information:
                if tlv.type == _SYSTEM_NAME and isinstance(tlv.value, str):
                    state.system_name = tlv.value[:_MAX_NAME]
                    self._tell_name(state, tlv.value)
        elif type(message) is PeerUp and message.local_address is not None:
            self._tell_name(state, message.local_address)

    def _tell_name(self, state: _Session, name: str) -> None:
        name = name[:_MAX_NAME]
        if name not in state.hinted and len(state.hinted) < _MAX_HINTS:
            state.hinted.add(name)
            self._hint(state.device, {name})

    def _event(self, state: _Session, body: dict[str, Any], now_s: float) -> dict[str, Any]:
        return {
            "device": state.device,
            "sessionAddress": state.session.address,
            "sessionPort": state.session.port,
            "timeReceived": int(now_s * 1e6),
            **body,
        }

    def _emit(self, device: str, events: list[dict[str, Any]]) -> None:
        if not self.wants_events or not events:
            return
        for first in range(0, len(events), _EVENTS_AT_ONCE):
            part = events[first : first + _EVENTS_AT_ONCE]
            if not self._publish(part):
                self._counters.add("bmp_events_dropped", len(part))
                self._incomplete.add(device)

    def _publish_snapshot(self, device: str, events: list[dict[str, Any]]) -> bool:
        taken = self._publish(events)
        if not taken:
            self._counters.add("bmp_events_dropped", len(events))
            self._incomplete.add(device)
        return taken


def _age(now_s: float, then_s: float | None) -> float | None:
    return None if then_s is None else round(now_s - then_s, 1)
