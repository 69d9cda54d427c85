"""Two identities that look like one router: name the alias that the operator may have forgotten.

A router that exports flows from one address and speaks BMP from another is two devices to us, on
two workers perhaps, and its flows stay without routes. Only the supervisor sees both: workers tell
it who speaks BMP and which addresses that router calls its own, and who exports flows.
"""

import logging
from dataclasses import dataclass, field
from typing import Any

log = logging.getLogger(__name__)

_MAX_HINTED = 65_536


@dataclass(slots=True)
class _Speaker:
    """What one source address says of itself; ``names`` are addresses and system names."""

    flows: bool = False
    bmp: bool = False
    names: set[str] = field(default_factory=set)


class AliasHints:
    """Compares identities; each pair is named once."""

    def __init__(self) -> None:
        self._speakers: dict[str, _Speaker] = {}
        self._named: set[tuple[str, str]] = set()

    def learn(self, hint: dict[str, Any]) -> list[tuple[str, str]]:
        """Take a worker's hint; give the pairs of addresses that are one router, as it seems.

        Args:
            hint: "device" (the address, aliases applied), "kind" ("flow" or "bmp"), "names".
        """
        address = hint["device"]
        speaker = self._speakers.get(address)
        if speaker is None:
            if len(self._speakers) >= _MAX_HINTED:
                return []
            speaker = self._speakers[address] = _Speaker()
        speaker.flows |= hint["kind"] == "flow"
        speaker.bmp |= hint["kind"] == "bmp"
        speaker.names.update(hint["names"])
        return [pair for pair in self._pairs_of(address, speaker) if self._is_new(pair)]

    def _pairs_of(self, address: str, speaker: _Speaker) -> list[tuple[str, str]]:
        pairs = []
        for other_address, other in self._speakers.items():
            if other_address == address:
                continue
            # Only halves that miss each other are worth a line: a device with both is complete.
            if not (_is_half(speaker) and _is_half(other) and speaker.bmp != other.bmp):
                continue
            mine, theirs = speaker.names | {address}, other.names | {other_address}
            if mine & theirs:
                pairs.append((min(address, other_address), max(address, other_address)))
        return pairs

    def _is_new(self, pair: tuple[str, str]) -> bool:
        if pair in self._named or len(self._named) >= _MAX_HINTED:
            return False
        self._named.add(pair)
        log.warning(
            "%s and %s look like one router, one of them with flows and the other with BMP: "
            'add this alias: [[device]] addresses = ["%s", "%s"]',
            *pair,
            *pair,
        )
        return True


def _is_half(speaker: _Speaker) -> bool:
    return speaker.flows != speaker.bmp
