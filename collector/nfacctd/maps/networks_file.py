"""networks_file: prefixes with AS numbers and next hops, longest match (reference 5.5).

| [label,][next hop,][[peer AS_]origin AS,] | prefix/length |
"""

from dataclasses import dataclass

from collector.nfacctd.maps.gc_pause import collector_paused
from collector.nfacctd.maps.syntax import Mistakes, read_rows
from collector.nfacctd.maps.values import Prefix, address, address_number, number, prefix, width_of

_MAX_AS = 0xFFFF_FFFF
_MAX_FIELDS = 4


@dataclass(frozen=True, slots=True)
class Network:
    """What the file says about addresses of one prefix; 0 and "" where it says nothing."""

    prefix_length: int
    origin_as: int = 0
    peer_as: int = 0
    next_hop: str = ""


class NetworksFile:
    """A loaded file; a value that nothing changes. A reload makes another one.

    Prefixes lie in one hash table for each length that occurs, so a lookup costs at most as many
    probes as there are lengths, however many prefixes there are.
    """

    __slots__ = ("_by_length", "_size")

    def __init__(self, networks: dict[tuple[int, int], dict[int, Network]]) -> None:
        self._size = sum(len(table) for table in networks.values())
        self._by_length: dict[int, list[tuple[int, dict[int, Network]]]] = {
            version: [
                (width_of(version) - length, networks[version, length])
                for length in sorted((n for v, n in networks if v == version), reverse=True)
            ]
            for version in (4, 6)
        }

    @classmethod
    def load(cls, path: str) -> "NetworksFile":
        """Read the file. Of a prefix that comes twice, the last line counts.

        Raises:
            MapError: all its mistakes.
        Cost: a few microseconds a line.
        """
        mistakes = Mistakes(path)
        with collector_paused():
            networks = _read_networks(path, mistakes)
        mistakes.raise_any()
        return cls(networks)

    def __len__(self) -> int:
        return self._size

    def lookup(self, text: str) -> Network | None:
        """Return the longest prefix that an address lies in, if any.

        Raises:
            ValueError: the text is no IP address.
        """
        return self.find(*address_number(text))

    def find(self, version: int, value: int) -> Network | None:
        """Return the longest prefix of an address that is there as a number."""
        for shift, table in self._by_length[version]:
            network = table.get(value >> shift)
            if network is not None:
                return network
        return None


def _read_networks(path: str, mistakes: Mistakes) -> dict[tuple[int, int], dict[int, Network]]:
    networks: dict[tuple[int, int], dict[int, Network]] = {}
    made: dict[Network, Network] = {}  # few differ
    for row in read_rows(path):
        try:
            where, network = _read(row.text)
        except ValueError as error:
            mistakes.add(row.line, str(error))
            continue
        table = networks.setdefault((where.version, where.length), {})
        table[where.bits] = made.setdefault(network, network)
    return networks


def _read(text: str) -> tuple[Prefix, Network]:
    fields = [field.strip() for field in text.split(",")]
    if len(fields) > _MAX_FIELDS:
        raise ValueError(f"{len(fields)} fields, and {_MAX_FIELDS} are the most")
    if "/" not in fields[-1]:
        raise ValueError(f"{fields[-1]!r} is no prefix: ADDRESS/LENGTH")
    where = prefix(fields[-1])
    peer_as = origin_as = 0
    next_hop = ""
    if len(fields) >= 2 and fields[-2]:
        peer, _, origin = fields[-2].rpartition("_")
        origin_as = _as_number(origin)
        peer_as = _as_number(peer) if peer else 0
    if len(fields) >= 3 and fields[-3]:
        next_hop = address(fields[-3])
    return where, Network(where.length, origin_as, peer_as, next_hop)


def _as_number(text: str) -> int:
    try:
        return number(text, _MAX_AS)
    except ValueError as error:
        raise ValueError(f"AS number: {error}") from error
