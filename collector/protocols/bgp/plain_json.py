"""Plain UPDATEs as JSON-ready objects: what `update_json` says of each, for a fraction of it."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from collector.protocols.bgp.addresses import ipv6_text
from collector.protocols.bgp.as_path import AS_SEQUENCE
from collector.protocols.bgp.attributes import ORIGINS, Attributes, parse_attributes
from collector.protocols.bgp.communities import community_text
from collector.protocols.bgp.families import AFI_IPV4
from collector.protocols.bgp.json_form import Json, attributes_json, next_hop_json
from collector.protocols.bgp.plain_attributes import PLAIN_AS_SIZE, PlainLists
from collector.protocols.bgp.plain_updates import PlainRun

# Strings put together cost half of what formatting the numbers does.
_DOTTED = tuple(f"{octet}." for octet in range(256))
_LAST = tuple(map(str, range(256)))
_BITS = tuple(f"/{bits}" for bits in range(129))


def run_json(run: PlainRun, lists: PlainLists) -> Iterator[Json]:
    """Write the UPDATEs of a run, each as `update_json` does."""
    routes = _routes(run)
    bounds = np.concatenate(([0], run.counts.cumsum())).tolist()
    forms = _forms(run, lists)
    for hop, form, (start, stop) in zip(run.next_hops, forms, pairwise(bounds), strict=True):
        own = routes[start:stop]
        if hop:
            yield {"announced": own, "withdrawn": [], "attributes": form}
        else:
            yield {"announced": [], "withdrawn": own, "attributes": form}


def _routes(run: PlainRun) -> list[Json]:
    afi, safi = run.family
    texts = _ipv4_texts(run) if afi == AFI_IPV4 else _ipv6_texts(run)
    return [{"afi": afi, "safi": safi, "prefix": text} for text in texts]


def _ipv4_texts(run: PlainRun) -> list[str]:
    octets = run.addresses[0].astype(">u4").view(np.uint8).reshape(-1, 4).T
    return [
        _DOTTED[a] + _DOTTED[b] + _DOTTED[c] + _LAST[d] + _BITS[bits]
        for a, b, c, d, bits in zip(*octets.tolist(), run.lengths.tolist(), strict=True)
    ]


def _ipv6_texts(run: PlainRun) -> list[str]:
    octets = np.stack(run.addresses, axis=1).astype(">u8").tobytes()
    starts = range(0, len(octets), 16)
    return [
        ipv6_text(octets[start : start + 16]) + _BITS[bits]
        for start, bits in zip(starts, run.lengths.tolist(), strict=True)
    ]


def _forms(run: PlainRun, lists: PlainLists) -> Iterator[Json]:
    """Write the attributes of each UPDATE, the next hop among them."""
    facts = run.facts
    rows = zip(
        lists.complete.tolist(),
        run.contents,
        run.next_hops,
        facts.origin.tolist(),
        lists.has_path.tolist(),
        _cut(lists.ases.tolist(), lists.as_bounds),
        facts.med.tolist(),
        facts.local_pref.tolist(),
        _cut(list(map(community_text, lists.communities.tolist())), lists.community_bounds),
        strict=True,
    )
    for complete, content, hop, origin, has_path, ases, med, local_pref, communities in rows:
        if not complete:
            yield _parsed_form(content, hop)
            continue
        form: Json = {}
        if origin < len(ORIGINS):
            form["origin"] = ORIGINS[origin]
        if has_path:
            form["as_path"] = [[AS_SEQUENCE, ases]] if ases else []
        if hop:
            form |= next_hop_json(hop)
        if med >= 0:
            form["med"] = med
        if local_pref >= 0:
            form["local_pref"] = local_pref
        if communities:
            form["communities"] = communities
        yield form


def _parsed_form(content: bytes, hop: bytes) -> Json:
    attributes = parse_attributes(content, PLAIN_AS_SIZE)
    assert isinstance(attributes, Attributes)
    form = attributes_json(attributes)
    return form | next_hop_json(hop) if hop else form


def _cut(values: list[Any], bounds: NDArray[np.int64]) -> list[list[Any]]:
    return [values[start:stop] for start, stop in pairwise(bounds.tolist())]
