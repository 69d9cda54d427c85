"""In which bucket of a prefix nfacctd keeps a route: tuning that decides matches (reference 4.4).

`bmp_table_per_peer_hash: mpls_vpn_rd` with several `bmp_table_per_peer_buckets` hides routes that
have a distinguisher from flows that have none, unless theirs falls into the same bucket. By path
identifier, the default, all buckets are searched, and the last one with a match wins.
"""

import struct
from dataclasses import dataclass

_FIELDS = {0: struct.Struct("!HI"), 1: struct.Struct("!IH"), 2: struct.Struct("!IH")}  # by type
_MASK = 0xFFFF


@dataclass(frozen=True, slots=True)
class Buckets:
    """The two settings; a single bucket hides nothing."""

    by_rd: bool = False  # else by path identifier
    number: int = 1

    def of_distinguisher(self, octets: bytes) -> int:
        """The bucket of a route distinguisher (8 octets); of zeros it is that of no RD."""
        if not self.by_rd or self.number <= 1:
            return 0
        kind = int.from_bytes(octets[:2])
        fields = _FIELDS.get(kind)
        administrator, number = fields.unpack(octets[2:]) if fields else (0, 0)
        return (kind + administrator + number & _MASK) % self.number

    def of_path_id(self, path_id: int | None) -> int:
        """The bucket of a path identifier, or of a route that has none."""
        if self.by_rd or self.number <= 1:
            return 0
        return ((path_id or 1) - 1) % self.number
