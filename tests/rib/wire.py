"""Short ways to write prefixes, addresses, peers and paths as the tables want them."""

from collections.abc import Sequence
from ipaddress import ip_address, ip_network

import numpy as np
from numpy.typing import NDArray

from collector.metrics import Counters
from collector.rib.paths import TEXTS, Path, Paths
from collector.rib.peer import GLOBAL_RD, PeerKey
from collector.rib.rib import Rib
from collector.rib.shared import Limits
from collector.rib.view import View

V4 = (1, 1)
V6 = (2, 1)
DEVICE = "192.0.2.1"


def prefix(text: str) -> bytes:
    network = ip_network(text)
    octets = (network.prefixlen + 7) // 8
    return bytes((network.prefixlen,)) + network.network_address.packed[:octets]


def addresses(texts: Sequence[str]) -> NDArray:
    known = [ip_address(text) for text in texts]
    if known and known[0].version == 6:
        halves = [(int(each) >> 64, int(each) & (1 << 64) - 1) for each in known]
        return np.array(halves, np.uint64).reshape(-1, 2)
    return np.array([int(each) for each in known], np.uint32)


def peer_key(address: str | None = "10.0.0.1", *, kind: int = 0) -> PeerKey:
    return PeerKey(kind, GLOBAL_RD, address, "192.0.2.9")


def new_rib(**arguments) -> Rib:
    return Rib(counters=Counters(), reader=KeyedReader(), **arguments)


def limited(**limits: int) -> Rib:
    return new_rib(limits=Limits(**limits))


class KeyedReader:
    """Contents of tests are pairs: a key, and the path but for its next hop."""

    def paths(
        self, contents: Sequence[tuple[object, Path]], next_hops: Sequence[str | None]
    ) -> list[Path]:
        return [
            path._replace(next_hop=next_hop)
            for (_, path), next_hop in zip(contents, next_hops, strict=True)
        ]

    def texts(self, contents: Sequence[tuple[object, Path]]) -> dict[str, list[str | None]]:
        return {name: [lines(getattr(path, name)) for _, path in contents] for name in TEXTS}


def lines(value: str | tuple[str, ...]) -> str | None:
    return value if isinstance(value, str) else "\n".join(value) or None


def new_paths(limit: int = 1000, counters: Counters | None = None) -> Paths:
    return Paths(limit, Counters() if counters is None else counters, KeyedReader())


def add_path(paths: Paths, path: Path, key: object = None) -> int:
    return paths.add((key, path._replace(next_hop=None)), path.next_hop, path)


def path_id(rib: Rib, **says) -> int:
    return add_path(rib.paths, Path(**says))


def ask(rib: Rib, *texts: str, device: str = DEVICE, **arguments) -> list[tuple]:
    """Join, and return (next hop of the path, prefix length, view, state) for each address."""
    family = ip_address(texts[0]).version
    answer = rib.join(device, family, addresses(texts), **arguments)
    return [
        (
            rib.paths.path(path).next_hop if path else None,
            length,
            View(view).text if view >= 0 else None,
            state,
        )
        for path, length, view, state in zip(
            answer.path.tolist(),
            answer.prefix_length.tolist(),
            answer.view.tolist(),
            answer.state.tolist(),
            strict=True,
        )
    ]
