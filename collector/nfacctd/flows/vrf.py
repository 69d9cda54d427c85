"""Route distinguishers and VRF names of flows (reference 2.7, 1.5)."""

from collections.abc import Iterator
from enum import IntEnum

import numpy as np
import polars as pl

from collector.nfacctd.bgp_text import NO_RD, rd_text
from collector.nfacctd.flows.fields import Fields, Reading, Step, mark
from collector.nfacctd.flows.raw_columns import Seen
from collector.nfacctd.flows.tables import Frame, OptionsOf
from collector.nfacctd.maps.route_distinguisher import rd_text as checked_rd_text
from collector.records.distinct import map_distinct

_RD, _RD_OCTETS = 90, 8
_VRF_ID_TYPE = 0xFFFF  # in place of a route distinguisher's type: what follows is a VRF id
_DEFAULT_VRF = "default"


class Origin(IntEnum):
    """Who told a flow's route distinguisher: `mpls_vpn_rd_origin`."""

    UNKNOWN = 0
    FLOW = 1
    MAP = 2
    BGP = 3
    BMP = 4


ORIGIN_TEXTS = tuple(origin.name.lower() for origin in Origin)


def plan_route_distinguisher(fields: Fields, needs: frozenset[str]) -> Iterator[Step]:
    """Make the step of ``record_rd``: what the record says itself."""
    index = fields.readable((_RD, (_RD_OCTETS,)))
    if "record_rd" not in needs or index is None:
        return

    def step(reading: Reading) -> None:
        reading.columns["record_rd"] = reading.number(index).astype(np.uint64)
        mark(reading, np.ones(reading.rows, bool), Seen.RECORD_RD)

    yield step


def rd_number(text: str) -> int:
    """Read a route distinguisher of a map, "0:64512:1", as a number of 8 octets.

    Raises:
        ValueError: it is none.
    """
    kind, administrator, number = checked_rd_text(text).rsplit(":", 2)
    octets = int(kind).to_bytes(2)
    if kind == "1":
        octets += bytes(map(int, administrator.split(".")))
    else:
        octets += int(administrator).to_bytes(2 if kind == "0" else 4)
    return int.from_bytes(octets + int(number).to_bytes(8 - len(octets)))


def flow_rd_text(rd: int) -> str:
    """Write a flow's route distinguisher, a VRF id as "vrfid:7", zeros as "0:0:0"."""
    if rd == 0:
        return NO_RD
    if rd >> 48 == _VRF_ID_TYPE:
        return f"vrfid:{rd & 0xFFFF_FFFF}"
    return rd_text(rd.to_bytes(8))


def fill_route_distinguishers(
    frame: Frame, options_of: OptionsOf, mapped: pl.Series | None
) -> None:
    """Add ``mpls_vpn_rd`` and ``rd_origin``.

    Args:
        frame: the batch.
        options_of: what exporters say.
        mapped: shape (rows,), text of what `flow_to_rd_map` gives, null: nothing; None: no map.
    """
    rds, origins = _from_options(frame, options_of)
    said = (frame.get("seen").to_numpy() & Seen.RECORD_RD) != 0
    if said.any():
        rds = np.where(said, frame.get("record_rd").to_numpy(), rds)
        origins = np.where(said, np.uint8(Origin.FLOW), origins)
    if mapped is not None:
        numbers = map_distinct([mapped], _number_or_none, pl.UInt64())
        matched = numbers.is_not_null().to_numpy()
        rds = np.where(matched, numbers.fill_null(0).to_numpy(), rds)
        origins = np.where(matched, np.uint8(Origin.MAP), origins)
    frame.put("mpls_vpn_rd", rds)
    frame.put("rd_origin", origins)


def fill_vrf_names(frame: Frame, options_of: OptionsOf, mapped: pl.Series | None) -> None:
    """Add ``ingress_vrf_name``, ``egress_vrf_name``, ``vrf_name``.

    They stay empty where a map, or the record itself, says the route distinguisher: then nfacctd
    does not read the ids.
    """

    def names(exporter: int, domain: int, ingress: int, egress: int, is_told: bool) -> list[str]:
        options = options_of(exporter)
        if is_told or options is None:
            return ["", "", ""]
        first = options.vrf_name(domain, ingress) if ingress else ""
        second = options.vrf_name(domain, egress) if egress else ""
        name = second if not ingress or first == _DEFAULT_VRF else first
        return [first, second, name]

    told = pl.Series((frame.get("seen").to_numpy() & Seen.RECORD_RD) != 0)
    if mapped is not None:
        told |= mapped.is_not_null()
    keys = [frame.get(name) for name in ("exporter", "domain", "ingress_vrf_id", "egress_vrf_id")]
    found = map_distinct([*keys, told], names, pl.List(pl.String()))
    for place, column in enumerate(("ingress_vrf_name", "egress_vrf_name", "vrf_name")):
        frame.put(column, found.list.get(place))


def _number_or_none(text: str | None) -> int | None:
    return None if text is None else rd_number(text)


def _from_options(frame: Frame, options_of: OptionsOf) -> tuple[np.ndarray, np.ndarray]:
    def rd_of(exporter: int, domain: int, ingress: int, egress: int, direction: int) -> int | None:
        ids = {"ingress": ingress, "egress": egress}
        way, other = ("ingress", "egress") if direction == 0 else ("egress", "ingress")
        if not ids[way]:
            way, other = other, way
        if not ids[way]:
            return None
        options = options_of(exporter)
        rd = None if options is None else options.route_distinguisher(way, domain, ids[way])
        if rd is None:
            return _VRF_ID_TYPE << 48 | ids[way]
        if rd == 0 and ids[other]:
            rd = options.route_distinguisher(other, domain, ids[other]) or rd
        return rd

    names = ("exporter", "domain", "ingress_vrf_id", "egress_vrf_id", "direction")
    rds = map_distinct([frame.get(name) for name in names], rd_of, pl.UInt64())
    origins = np.where(rds.is_null().to_numpy(), np.uint8(Origin.UNKNOWN), np.uint8(Origin.FLOW))
    return rds.fill_null(0).to_numpy(), origins
