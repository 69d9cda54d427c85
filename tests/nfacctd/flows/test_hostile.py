"""Whatever templates and records say, records come out, and octets are neither made nor lost."""

from hypothesis import given, settings
from hypothesis import strategies as st

from collector.nfacctd.flows.primitives import FLOWS, PRIMITIVES
from collector.nfacctd.flows.route_values import RouteValues
from collector.nfacctd.maps.custom_primitives import CustomPrimitive
from collector.nfacctd.settings import History, Plugin, Settings
from collector.simulation.ipfix import data_set, ipfix_message, template_set
from tests.nfacctd.flows.pipeline import START_S, Pipeline

_ELEMENTS = (
    *(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 21, 22, 23, 24, 27, 28, 29),
    *(30, 31, 34, 44, 45, 47, 48, 50, 56, 57, 58, 59, 60, 61, 62, 63, 70, 71, 72, 79, 80, 81, 85),
    *(86, 89, 90, 95, 104, 128, 129, 130, 131, 140, 150, 151, 152, 153, 154, 155, 158, 159, 160),
    *(169, 170, 180, 183, 225, 228, 230, 231, 233, 234, 235, 243, 244, 245, 249, 252, 254, 255),
    *(256, 298, 302, 315, 323, 351, 352, 365, 366, 408, 497, 500, 600, 601, 603),
)
_VARIABLE = 65535
_CUSTOMS = tuple(
    CustomPrimitive(f"c{number}", 0, element, length, semantics)
    for number, (element, length, semantics) in enumerate(
        [(8, 4, "ip"), (27, 16, "ip"), (56, 6, "mac"), (500, None, "str"), (4, 1, "u_int")]
    )
)
_NAMES = (*PRIMITIVES, FLOWS, *(custom.name for custom in _CUSTOMS))
_ROUTES = (None, RouteValues(20, 64500, 64501, "64501 64500", "65001:1", next_hop="10.0.0.1"))


@st.composite
def _messages(draw: st.DrawFn) -> bytes:
    lengths = st.sampled_from((1, 2, 3, 4, 6, 7, 8, 16, 17, 0, _VARIABLE))
    fields = draw(st.lists(st.tuples(st.sampled_from(_ELEMENTS), lengths), min_size=1, max_size=12))
    sets = [template_set(256, fields), data_set(256, draw(st.binary(max_size=120)))]
    return ipfix_message(sets, export_time_s=draw(st.integers(0, 2**32 - 1)), sequence=0)


@given(
    st.lists(_messages(), min_size=1, max_size=3),
    st.sets(st.sampled_from(_NAMES), min_size=1),
    st.sampled_from(("json", "avro")),
    st.sampled_from(("netflow", "bmp", "longest")),
    st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_no_template_and_no_record_is_too_odd(
    messages: list[bytes], names: set[str], output: str, source: str, switch: bool
) -> None:
    plugin = Plugin(
        name="p",
        type="kafka",
        aggregate=tuple(sorted(names)),
        output=output,
        history=History(count=1, unit="h") if switch else None,
        stitching=switch,
    )
    worker = Pipeline(
        Settings(
            plugins=(plugin,),
            as_source=source,
            net_source=source,
            renormalize=switch,
            tcpflags_encode_as_array=switch,
        ),
        _CUSTOMS,
        routes_of=lambda question: (_ROUTES[len(question.source) % 2], _ROUTES[switch]),
    )
    for message in messages:
        worker.datagram(message)
    records = worker.purge(START_S)
    assert all(set(record) == set(records[0]) for record in records if output == "avro")
