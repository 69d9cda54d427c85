"""Avro records as consumers get them: all fields of the schema, None where there is nothing."""

from typing import Any

import pytest

from collector.nfacctd.bmp.avro_fields import fields_of
from collector.nfacctd.bmp.record import ROUTE_LOG
from collector.simulation import bgp, bmp
from tests.nfacctd.bmp.lab import (
    PEER,
    RD_1,
    ROUTE,
    Lab,
    announce,
    monitoring,
    up,
)

_FILTERED = bmp.Peer(as_number=65000, type=bmp.LOC_RIB, distinguisher=RD_1, filtered=True)


def _lab(**settings: Any) -> Lab:
    lab = Lab("avro", kafka=True, **settings)
    connection = lab.open()
    nlri = bgp.nlri("20.0.0.0/8", labels=[100], rd=RD_1)
    lab.send(
        connection,
        bmp.initiation("name"),
        up(_FILTERED),
        up(),
        announce("20.0.0.0/8", peer=_FILTERED),
        monitoring(bgp.mp_announcement(1, 128, nlri, ROUTE)),
        monitoring(bgp.mp_announcement(1, 4, bgp.nlri("20.0.0.0/8", labels=[1]), ROUTE), _FILTERED),
        monitoring(bgp.end_of_rib()),
        bmp.statistics(PEER, [(18, b"\1\2\3"), (9, bytes(11))]),
        bmp.peer_down(PEER),
        bmp.termination(),
    )
    lab.close(connection)
    return lab


@pytest.mark.parametrize("set_pd", [False, True])
def test_records_have_the_fields_of_their_schema_in_its_order(set_pd: bool) -> None:
    names = fields_of(tagged=False, set_pd=set_pd)
    lab = _lab(set_pd=set_pd)
    assert len({record.kind for record in lab.log_records}) == 7
    for record in lab.log_records:
        assert tuple(record.fields) == names[record.kind]


def test_log_close_is_never_told_in_avro_over_kafka() -> None:
    events = [record.fields["event_type"] for record in _lab().log_records]
    assert events[0] == "log_init"
    assert "log_close" not in events
    lab = Lab("avro")
    lab.close(lab.open())
    assert lab.log_records[-1].fields["event_type"] == "log_close"


def test_values_of_routes() -> None:
    core = {"as_path_encode_as_array": True, "bgp_comms_encode_as_array": True}
    lab = _lab(core=core)
    routes = [record.fields for record in lab.log_records if record.kind == ROUTE_LOG]
    in_vrf, vpn, labelled, end_of_rib = routes[:4]
    assert (in_vrf["is_filtered"], in_vrf["is_loc"], in_vrf["is_in"]) == (0, 1, None)
    assert (in_vrf["rd"], in_vrf["rd_origin"], in_vrf["mpls_label"]) == ("0:65000:1", "bmp", None)
    assert (vpn["rd"], vpn["rd_origin"], vpn["mpls_label"]) == ("0:65000:1", "bgp", "100")
    assert (labelled["rd"], labelled["rd_origin"], labelled["mpls_label"]) == (None, None, "1")
    assert (vpn["as_path"], vpn["comms"]) == (["65001", "65002"], [])
    assert (end_of_rib["as_path"], end_of_rib["ip_prefix"], end_of_rib["origin"]) == (
        [],
        None,
        None,
    )
    assert vpn["writer_id"] == "core"


def test_lists_as_text_are_none_where_they_are_not_there() -> None:
    lab = _lab()
    routes = [record.fields for record in lab.log_records if record.kind == ROUTE_LOG]
    assert (routes[0]["as_path"], routes[0]["comms"]) == ("65001 65002", None)
    assert routes[3]["as_path"] is None


def test_one_digit_ases_stay_in_avro_arrays() -> None:
    lab = Lab("avro", core={"as_path_encode_as_array": True})
    route = bgp.Route([1, 65001], "192.0.2.1")
    records = lab.send(lab.open(), up(), announce("20.0.0.0/8", route=route))
    assert records[1]["as_path"] == ["1", "65001"]


def test_statistics_and_peer_down() -> None:
    lab = _lab()
    by_type = {record.fields.get("bmp_msg_type"): record.fields for record in lab.log_records}
    unknown = next(r.fields for r in lab.log_records if r.fields.get("counter_type") == 18)
    assert (unknown["counter_value"], unknown["peer_type_str"]) == (0, "")
    assert by_type["peer_down"]["reason_loc_code"] is None
    assert by_type["init"]["timestamp_event"] is None
    assert by_type["peer_up"]["peer_type_str"] == "Global Instance Peer"


def test_tags_are_there_where_a_map_is() -> None:
    assert "tag" not in fields_of(tagged=False, set_pd=False)[ROUTE_LOG]
    assert "label" in fields_of(tagged=True, set_pd=False)[ROUTE_LOG]
