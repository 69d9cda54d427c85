"""Output in the order of the capture, although some of it is understood only later."""

import heapq
from collections.abc import Iterator

# What waits for a hole in some stream must not grow with the capture; then order gives way.
_MAX_WAITING_OCTETS = 32 << 20


class LineOrder:
    """Lines that wait until nothing of an earlier packet can come any more."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, bytes]] = []  # packet, count, line
        self._count = 0  # keeps the lines of one packet in the order they came
        self._octets = 0

    def add(self, packet: int, line: bytes) -> None:
        """Take a line that a packet gave."""
        heapq.heappush(self._heap, (packet, self._count, line))
        self._count += 1
        self._octets += len(line)

    def take(self, held_since: int | None) -> Iterator[bytes]:
        """Yield the lines of packets before ``held_since``, of all where it is None."""
        while self._heap:
            packet, _, line = self._heap[0]
            waits = held_since is not None and packet >= held_since
            if waits and self._octets <= _MAX_WAITING_OCTETS:
                return
            heapq.heappop(self._heap)
            self._octets -= len(line)
            yield line
