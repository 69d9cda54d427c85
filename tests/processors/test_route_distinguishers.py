"""In whose tables a flow is looked up: its own word, the operator's, or the exporter's."""

import pytest

from collector.processors.route_distinguishers import StaticRd, route_distinguishers
from collector.protocols.ipfix.options import ExporterOptions
from tests.records.flows import batch_of, message

RD, INGRESS_VRF, EGRESS_VRF, INGRESS = (90, 8), (234, 4), (235, 4), (10, 4)
DEVICES = ("192.0.2.0", "192.0.2.1")


def flow(rd: int | None = None, ingress: int = 0, egress: int = 0, interface: int = 0) -> bytes:
    fields = [INGRESS_VRF, EGRESS_VRF, INGRESS]
    record = b"".join(value.to_bytes(4, "big") for value in (ingress, egress, interface))
    if rd is not None:
        fields, record = [*fields, RD], record + rd.to_bytes(8, "big")
    return message(300, fields, record)


def told(**rd_of_vrf: str) -> ExporterOptions:
    options = ExporterOptions()
    for vrf, rd in rd_of_vrf.items():
        scope = {"ingressVRFID": int(vrf.removeprefix("vrf"))}
        options.learn(0, scope, {"mplsVpnRouteDistinguisher": rd})
    return options


def ask(
    *flows: bytes,
    options: dict[int, ExporterOptions] | None = None,
    static: tuple[StaticRd, ...] = (),
) -> list[int] | None:
    found = route_distinguishers(
        batch_of(*flows), (options or {}).get, static, lambda exporter: DEVICES[exporter]
    )
    return None if found is None else found.tolist()


def test_nobody_says_anything() -> None:
    assert ask(flow(ingress=3), flow()) is None


def test_the_flow_itself_comes_first_unless_it_says_nothing() -> None:
    static = (StaticRd(9, None, None, None),)
    assert ask(flow(rd=5), flow(), static=static) == [5, 9]
    assert ask(flow(rd=0), static=static) == [9]
    assert ask(flow(rd=5), flow(rd=2**64 - 1)) == [5, 2**64 - 1]


def test_options_data_by_the_ingress_vrf_else_the_egress_one() -> None:
    options = told(vrf3="0000000000000003", vrf4="0000000000000004", vrf5="0000000000000000")
    flows = [flow(ingress=3, egress=4)]
    assert ask(*flows, options={0: options}) == [3]
    assert ask(flow(egress=4), options={0: options}) == [4]
    assert ask(flow(ingress=5, egress=4), options={0: options}) == [4]
    assert ask(flow(ingress=7), flow(ingress=3), options={0: options}) == [0, 0]


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        pytest.param(StaticRd(9, None, None, None), [9, 9, 9], id="everything"),
        pytest.param(StaticRd(9, "192.0.2.1", None, None), [0, 9, 0], id="device"),
        pytest.param(StaticRd(9, None, 3, None), [9, 9, 0], id="vrf"),
        pytest.param(StaticRd(9, None, None, 7), [9, 0, 0], id="interface"),
        pytest.param(StaticRd(9, "192.0.2.0", 3, 8), [0, 0, 0], id="all-must-match"),
    ],
)
def test_a_line_of_the_operator_s_map(line: StaticRd, wanted: list[int]) -> None:
    first, second = flow(ingress=3, interface=7), flow(ingress=3, interface=8)
    assert [*ask(first, second, static=(line,)), *ask(flow(), static=(line,))] == wanted


def test_the_operator_s_map_corrects_options_data() -> None:
    options = told(vrf3="0000000000000003")
    static = (StaticRd(9, "192.0.2.0", 3, None), StaticRd(8, None, 3, None))
    assert ask(flow(ingress=3), flow(ingress=3), options={0: options}, static=static) == [9, 8]
