"""What an operator should know about a capture beside its records: counted, not listed."""


class Notes:
    """Remarks by text: how often, and at which packet first."""

    def __init__(self) -> None:
        self.packet = 0  # number of the packet being read, from 1; the reader moves it on
        self._seen: dict[str, list[int]] = {}

    def add(self, remark: str, times: int = 1) -> None:
        """Count a remark about the current packet; ``remark`` must not vary with each packet."""
        seen = self._seen.get(remark)
        if seen is None:
            self._seen[remark] = [times, self.packet]
        else:
            seen[0] += times

    def take(self) -> list[str]:
        """Give the remarks so far as text, in the order of their first packet, and forget them."""
        told = [
            f"{remark} ({times} times, first at packet {packet})" if times > 1
            else f"{remark} (packet {packet})"
            for remark, (times, packet) in self._seen.items()
        ]  # fmt: skip
        self._seen.clear()
        return told
