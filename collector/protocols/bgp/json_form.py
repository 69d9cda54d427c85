"""BGP messages as JSON-ready objects, in the form that `decode` prints and events carry."""

from collections.abc import Callable
from typing import Any

from collector.protocols.bgp.addresses import ipv4_text, prefix_text
from collector.protocols.bgp.attributes import (
    ORIGINS,
    Attributes,
    TreatAsWithdraw,
    parse_attributes,
)
from collector.protocols.bgp.communities import (
    community_text,
    extended_community_text,
    large_community_text,
)
from collector.protocols.bgp.families import IPV4_UNICAST
from collector.protocols.bgp.next_hop import next_hop
from collector.protocols.bgp.nlri import Nlri, split_nlri
from collector.protocols.bgp.notification import Notification
from collector.protocols.bgp.open import Open
from collector.protocols.bgp.route_distinguisher import rd_text
from collector.protocols.bgp.update import UpdateParts

Json = dict[str, Any]
AddPath = Callable[[int, int], bool]  # of AFI and SAFI


def update_json(parts: UpdateParts, as_size: int, add_path: AddPath) -> Json:
    """Write an UPDATE with its routes and attributes.

    Args:
        as_size: octets of an AS, 2 or 4.
        add_path: tells for a family whether its NLRI carry path identifiers.
    Raises:
        DecodeError: NLRI that cannot be cut.
    """
    if (family := parts.end_of_rib) is not None:
        return {"end_of_rib": {"afi": family[0], "safi": family[1]}}
    withdrawn, announced = _classic_routes(parts, add_path)
    mp_withdrawn, mp_announced = _mp_routes(parts, add_path)
    attributes = parse_attributes(parts.attributes_key, as_size)
    if isinstance(attributes, TreatAsWithdraw):
        later = [mp_withdrawn, mp_announced]
        if parts.mp_reach and parts.mp_unreach and parts.mp_reach.offset < parts.mp_unreach.offset:
            later.reverse()
        return {
            "announced": [],
            "withdrawn": [*withdrawn, *announced, *later[0], *later[1]],
            "attributes": {},
            "treat_as_withdraw": attributes.reason,
        }
    form = attributes_json(attributes)
    if parts.mp_reach:
        form |= next_hop_json(parts.mp_reach.next_hop)
    return {
        "announced": announced + mp_announced,
        "withdrawn": withdrawn + mp_withdrawn,
        "attributes": form,
    }


def _classic_routes(parts: UpdateParts, add_path: AddPath) -> tuple[list[Json], list[Json]]:
    with_path_id = add_path(*IPV4_UNICAST)
    fields = (
        (parts.withdrawn, parts.withdrawn_offset),
        (parts.announced, parts.announced_offset),
    )
    withdrawn, announced = (
        _routes(split_nlri(octets, *IPV4_UNICAST, with_path_id, offset), *IPV4_UNICAST)
        for octets, offset in fields
    )
    return withdrawn, announced


def _mp_routes(parts: UpdateParts, add_path: AddPath) -> tuple[list[Json], list[Json]]:
    withdrawn, announced = (
        _routes(
            split_nlri(mp.nlri, mp.afi, mp.safi, add_path(mp.afi, mp.safi), mp.offset),
            mp.afi,
            mp.safi,
        )
        if mp
        else []
        for mp in (parts.mp_unreach, parts.mp_reach)
    )
    return withdrawn, announced


def _routes(nlri: list[bytes] | list[Nlri], afi: int, safi: int) -> list[Json]:
    # Either all are plain prefixes or none is; most are, and a table load has a million of them.
    if nlri and isinstance(nlri[0], bytes):
        return [{"afi": afi, "safi": safi, "prefix": prefix_text(afi, one)} for one in nlri]
    return [route_json(one) for one in nlri]


def route_json(nlri: Nlri) -> Json:
    """Write one route: its family and prefix, or the octets of a family that has none."""
    form: Json = {"afi": nlri.afi, "safi": nlri.safi}
    if nlri.prefix:
        form["prefix"] = prefix_text(nlri.afi, nlri.prefix)
    else:
        form["nlri"] = nlri.octets.hex()
    if nlri.path_id is not None:
        form["path_id"] = nlri.path_id
    if nlri.rd is not None:
        form["rd"] = rd_text(nlri.rd)
    if nlri.labels is not None:
        form["labels"] = list(nlri.labels)
    return form


def next_hop_json(octets: bytes) -> Json:
    """Write a next hop, as on the wire, with the route distinguisher and link-local it carries."""
    address, rd, link_local = next_hop(octets)
    form: Json = {"next_hop": address}
    if rd is not None:
        form["next_hop_rd"] = rd
    if link_local is not None:
        form["next_hop_link_local"] = link_local
    return form


def attributes_json(attributes: Attributes) -> Json:
    """Write the attributes that are there; the next hop is that of NEXT_HOP."""
    form: Json = {}
    if attributes.origin is not None:
        form["origin"] = ORIGINS[attributes.origin]
    if attributes.as_path is not None:
        form["as_path"] = [[kind, list(ases)] for kind, ases in attributes.as_path]
    if attributes.next_hop is not None:
        form["next_hop"] = ipv4_text(attributes.next_hop)
    for name in ("med", "local_pref", "originator_id", "aigp", "otc"):
        value = getattr(attributes, name)
        if value is not None:
            form[name] = value
    if attributes.atomic_aggregate:
        form["atomic_aggregate"] = True
    if attributes.aggregator is not None:
        form["aggregator"] = list(attributes.aggregator)
    if attributes.prefix_sid is not None:
        form["prefix_sid"] = attributes.prefix_sid.hex()
    return form | _lists_json(attributes)


def _lists_json(attributes: Attributes) -> Json:
    lists = {
        "communities": [community_text(value) for value in attributes.communities],
        "extended_communities": [
            extended_community_text(value) for value in attributes.extended_communities
        ],
        "large_communities": [
            large_community_text(value) for value in attributes.large_communities
        ],
        "cluster_list": list(attributes.cluster_list),
        "unknown": [[flags, code, value.hex()] for flags, code, value in attributes.unknown],
    }
    # An empty one is malformed (RFC 7606 section 7), so that empty here is not there.
    return {name: values for name, values in lists.items() if values}


def open_json(message: Open) -> Json:
    """Write an OPEN."""
    return {
        "version": message.version,
        "as": message.as_number,
        "hold_time": message.hold_time_s,
        "bgp_id": message.bgp_id,
        "capabilities": [
            {"code": capability.code, "value": capability.value.hex()}
            for capability in message.capabilities
        ],
    }


def notification_json(message: Notification) -> Json:
    """Write a NOTIFICATION."""
    return {"code": message.code, "subcode": message.subcode, "data": message.data.hex()}
