"""Two identities that look like one router: name the alias that the operator may have forgotten.

A router that exports flows from one address and speaks BMP from another is two devices to us, on
two workers perhaps, and its flows stay without routes. Only the supervisor sees both: workers tell
it who speaks BMP and which addresses that router calls its own, and who exports flows.
"""

import logging
from dataclasses import dataclass, field
from typing import Any

log = logging.getLogger(__name__)

_MAX_SPEAKERS = 65_536
_MAX_NAMES = 4_096  # of one speaker
_MAX_ALL_NAMES = 1 << 20
# Who tells a name that so many others tell too ("router", a link's address) says nothing by it.
_MAX_SHARED = 16


@dataclass(slots=True)
class _Speaker:
    """What one source address says of itself; ``names`` are addresses and system names."""

    flows: bool = False
    bmp: bool = False
    names: set[str] = field(default_factory=set)

    @property
    def is_half(self) -> bool:
        return self.flows != self.bmp


class AliasHints:
    """Compares identities; each pair is named once."""

    def __init__(self) -> None:
        self._speakers: dict[str, _Speaker] = {}
        self._speakers_of: dict[str, set[str]] = {}  # name to the addresses that tell it
        self._named: set[tuple[str, str]] = set()

    def learn(self, hint: dict[str, Any]) -> list[tuple[str, str]]:
        """Take a worker's hint; give the pairs of addresses that are one router, as it seems.

        Args:
            hint: "device" (the address, aliases applied), "kind" ("flow" or "bmp"), "names".
        Cost: that of the names told, whatever the number of routers.
        """
        address = hint["device"]
        speaker = self._speakers.get(address)
        if speaker is None:
            if len(self._speakers) >= _MAX_SPEAKERS:
                return []
            speaker = self._speakers[address] = _Speaker()
            self._add_name(address, speaker, address)
        was_half = speaker.is_half
        speaker.flows |= hint["kind"] == "flow"
        speaker.bmp |= hint["kind"] == "bmp"
        new = [name for name in hint["names"] if self._add_name(address, speaker, name)]
        if not speaker.is_half:
            return []
        names = new if was_half else speaker.names
        return [pair for pair in self._pairs_of(address, speaker, names) if self._is_new(pair)]

    def _add_name(self, address: str, speaker: _Speaker, name: str) -> bool:
        if name in speaker.names or len(speaker.names) >= _MAX_NAMES:
            return False
        tellers = self._speakers_of.get(name)
        if tellers is None:
            if len(self._speakers_of) >= _MAX_ALL_NAMES:
                return False
            tellers = self._speakers_of[name] = set()
        elif len(tellers) > _MAX_SHARED:
            return False
        speaker.names.add(name)
        tellers.add(address)
        return True

    def _pairs_of(
        self, address: str, speaker: _Speaker, names: list[str] | set[str]
    ) -> list[tuple[str, str]]:
        others = {other for name in names for other in self._speakers_of[name]} - {address}
        # Only halves that miss each other are worth a line: a device with both is complete.
        return [
            (min(address, other), max(address, other))
            for other in sorted(others)
            if self._speakers[other].is_half and self._speakers[other].bmp != speaker.bmp
        ]

    def _is_new(self, pair: tuple[str, str]) -> bool:
        if pair in self._named or len(self._named) >= _MAX_SPEAKERS:
            return False
        self._named.add(pair)
        log.warning(
            "%s and %s look like one router, one of them with flows and the other with BMP: "
            'add this alias: [[device]] addresses = ["%s", "%s"]',
            *pair,
            *pair,
        )
        return True
