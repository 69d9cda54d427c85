import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.metrics import Counters
from collector.protocols.ipfix.options import ExporterOptions

_DOMAIN = 7
_RD = "0000fde800000064"


def _options(*records: tuple[dict, dict], domain: int = _DOMAIN) -> ExporterOptions:
    options = ExporterOptions()
    for scope, fields in records:
        options.learn(domain, scope, fields)
    return options


@pytest.mark.parametrize(
    ("fields", "rate"),
    [
        pytest.param({"samplingInterval": 1000, "samplingAlgorithm": 1}, 1000, id="34"),
        pytest.param({"samplerMode": 2, "samplerRandomInterval": 512}, 512, id="50"),
        pytest.param({"samplingPacketInterval": 1, "samplingPacketSpace": 999}, 1000, id="305-306"),
        pytest.param({"samplingPacketInterval": 2, "samplingPacketSpace": 3}, 2.5, id="fraction"),
        pytest.param({"samplingPacketInterval": 100}, 100, id="305-in-place-of-34"),
        pytest.param({"samplingTimeInterval": 10, "samplingTimeSpace": 90}, 10, id="307-308"),
        pytest.param({"samplingSize": 1, "samplingPopulation": 256}, 256, id="309-310"),
        pytest.param({"samplingProbability": 0.01}, 100, id="311"),
        pytest.param({"samplingProbability": 0.0010000000474974513}, 1000, id="single-precision"),
        pytest.param({"samplingProbability": 0.4}, 2.5, id="311-fraction"),
        pytest.param(
            {
                "samplingPacketInterval": 1,
                "selectorAlgorithm": 3,
                "samplingSize": 1,
                "samplingPopulation": 256,
            },
            256,
            id="the-algorithm-chooses-as-a-cisco-router-needs-it",
        ),
        pytest.param({"selectorAlgorithm": 1, "samplingSize": 1, "samplingPopulation": 8}, 8),
        pytest.param({"samplingInterval": [1000, 1000]}, 1000, id="twice"),
        pytest.param({"samplingInterval": 0}, None, id="zero"),
        pytest.param({"samplingPacketInterval": 0, "samplingPacketSpace": 9}, None, id="zero-305"),
        pytest.param({"samplingSize": 9, "samplingPopulation": 3}, None, id="more-than-all"),
        pytest.param({"samplingProbability": "NaN"}, None, id="nan"),
        pytest.param({"samplingProbability": 5e-324}, None, id="tiny"),
        pytest.param({"samplingInterval": "0102030405"}, None, id="hex"),
        pytest.param({"samplingInterval": None}, None, id="null"),
        pytest.param({"samplingInterval": []}, None, id="none-of-many"),
    ],
)
def test_rate(fields: dict, rate: float | None) -> None:
    told = _options(({"scopeSystem": 1}, fields)).sampling_rate(_DOMAIN)
    assert (told, type(told)) == (rate, type(rate))


def test_precedence_of_sampler_interface_template_domain_and_device() -> None:
    options = _options(
        ({"selectorId": 3}, {"samplingInterval": 10}),
        ({"scopeInterface": 5}, {"samplingInterval": 20}),
        ({"templateId": 300}, {"samplingInterval": 30}),
        ({"lineCardId": 1}, {"samplingInterval": 40}),
    )
    options.learn(8, {"exportingProcessId": 1}, {"samplingInterval": 50})
    assert options.sampling_rate(_DOMAIN, 3, 5, 300) == 10
    assert options.sampling_rate(_DOMAIN, None, 5, 300) == 20
    assert options.sampling_rate(_DOMAIN, 9, 5, 300) == 20
    assert options.sampling_rate(_DOMAIN, None, 6, 300) == 30
    assert options.sampling_rate(_DOMAIN, None, 6, 301) == 40
    assert options.sampling_rate(99) == 50


@pytest.mark.parametrize("element", ["samplerId", "selectorId"])
@pytest.mark.parametrize("place", [0, 1])
def test_a_sampler_is_known_in_scope_and_out_of_it(element: str, place: int) -> None:
    record = ({}, {"samplingInterval": 10})
    record[place][element] = 4
    options = _options(record)
    assert options.sampling_rate(_DOMAIN, 4) == 10
    assert options.sampling_rate(8, 4) == 10, "another domain of the device has nothing better"


def test_flows_without_a_sampler_have_the_rate_that_all_samplers_have() -> None:
    options = _options(({"selectorId": 1}, {"samplingInterval": 10}))
    assert options.sampling_rate(_DOMAIN) == 10
    assert options.sampling_rate(_DOMAIN, 0) is None, "sampler 0 is none of them"
    options.learn(_DOMAIN, {"selectorId": 2}, {"samplingInterval": 10})
    assert options.sampling_rate(_DOMAIN) == 10
    options.learn(_DOMAIN, {"selectorId": 2}, {"samplingInterval": 20})
    assert options.sampling_rate(_DOMAIN) is None
    options.learn(_DOMAIN, {"selectorId": 1}, {"samplingInterval": 20})
    assert options.sampling_rate(_DOMAIN) == 20


def test_domains_that_disagree_keep_their_own() -> None:
    options = _options(({"selectorId": 1}, {"samplingInterval": 10}))
    options.learn(8, {"selectorId": 1}, {"samplingInterval": 20})
    assert (options.sampling_rate(_DOMAIN, 1), options.sampling_rate(8, 1)) == (10, 20)
    before = options.revision
    options.learn(_DOMAIN, {"selectorId": 1}, {"samplingInterval": 10})
    options.learn(8, {"selectorId": 1}, {"samplingInterval": 20})
    assert options.revision == before


def test_a_record_may_be_about_another_domain() -> None:
    options = _options(({"observationDomainId": 8}, {"samplingInterval": 10}))
    assert (options.sampling_rate(8), options.sampling_rate(_DOMAIN)) == (10, None)


@pytest.mark.parametrize(
    "scope",
    [
        {"scopeInterface": 5},
        {"ingressInterface": 5},
        {"egressInterface": 5},
        {"ingressPhysicalInterface": 5},
        {"ingressInterface": 5, "egressInterface": 5},
    ],
)
def test_interface_names(scope: dict) -> None:
    names = {"interfaceName": "xe-0/0/1", "interfaceDescription": "to the exchange"}
    options = _options((scope, names))
    assert options.interface_names.get(_DOMAIN, 5) == "xe-0/0/1"
    assert options.interface_names.of_device == {5: "xe-0/0/1"}
    assert options.interface_descriptions.of_device == {5: "to the exchange"}


def test_vrfs() -> None:
    record = {"VRFname": "blue", "egressVRFID": 2, "mplsVpnRouteDistinguisher": _RD}
    options = _options(({"ingressVRFID": 1}, record))
    assert options.vrf_names.of_device == {1: "blue", 2: "blue"}
    assert options.route_distinguishers.get(_DOMAIN, 2) == bytes.fromhex(_RD)
    options.learn(_DOMAIN, {"ingressVRFID": 1}, {"VRFname": "red"})
    assert options.vrf_names.get(_DOMAIN, 1) == "red"


@pytest.mark.parametrize("value", ["00", "not hex", None, 7, [_RD]])
def test_what_is_no_route_distinguisher_is_left_out(value: object) -> None:
    options = _options(({"ingressVRFID": 1}, {"mplsVpnRouteDistinguisher": value}))
    assert options.route_distinguishers.of_device == {}


def test_applications() -> None:
    options = _options(({"applicationId": "03000050"}, {"applicationName": "http"}))
    assert options.application_names.of_device == {b"\3\0\0\x50": "http"}


def test_system_init_time_without_the_jitter_of_routers() -> None:
    scope = {"observationDomainId": _DOMAIN}
    options = _options((scope, {"systemInitTimeMilliseconds": "2023-12-15T12:31:07.859Z"}))
    assert options.system_init_time_ms(_DOMAIN) == 1_702_643_467_859
    options.learn(_DOMAIN, scope, {"systemInitTimeMilliseconds": "2023-12-15T12:31:07.860Z"})
    assert options.revision == 1
    options.learn(_DOMAIN, scope, {"systemInitTimeMilliseconds": "2023-12-16T00:00:00.000Z"})
    assert (options.revision, options.system_init_time_ms(_DOMAIN)) == (2, 1_702_684_800_000)


def test_addresses_hint_at_the_identity() -> None:
    told = {"exporterIPv4Address": "192.0.2.9", "exporterIPv6Address": "2001:db8::9"}
    options = _options(({}, told), ({}, {"exporterIPv4Address": "0.0.0.0"}))
    assert options.exporter_ipv4_address == "192.0.2.9"
    assert options.exporter_ipv6_address == "2001:db8::9"


def test_revision_grows_only_with_news() -> None:
    record = ({"scopeInterface": 5}, {"interfaceName": "xe-0/0/1", "samplingInterval": 10})
    options = _options(record, record)
    assert options.revision == 1
    options.learn(_DOMAIN, {"scopeInterface": 5}, {"interfaceName": "xe-0/0/2"})
    assert options.revision == 2


def test_tables_are_bounded() -> None:
    counters = Counters()
    options = ExporterOptions(counters=counters, max_entries=2)
    for interface in range(4):
        options.learn(_DOMAIN, {"scopeInterface": interface}, {"interfaceName": "x" * 999})
        options.learn(_DOMAIN, {"selectorId": interface}, {"samplingInterval": 10})
    assert (len(options.interface_names.of_device), options.refused) == (2, 4)
    assert len(options.interface_names.of_device[0]) == 255
    assert counters == {"flow_options_refused": 4}


_ELEMENTS = [
    *("samplingInterval", "samplerId", "selectorId", "selectorAlgorithm", "samplingSize"),
    *("samplingPopulation", "samplingProbability", "samplingPacketInterval", "scopeInterface"),
    *("interfaceName", "ingressVRFID", "mplsVpnRouteDistinguisher", "applicationId"),
    *("applicationName", "systemInitTimeMilliseconds", "exporterIPv4Address", "VRFname"),
    *("observationDomainId", "templateId", "samplingPacketSpace", "ingressInterface"),
]
_values = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2**256) | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=2),
    max_leaves=4,
)
_records = st.dictionaries(st.sampled_from(_ELEMENTS), _values, max_size=8)


@given(st.lists(st.tuples(st.integers(0, 3), _records, _records), max_size=8))
def test_any_values_are_understood_or_left_out(records: list[tuple[int, dict, dict]]) -> None:
    options = ExporterOptions(max_entries=2)
    for domain, scope, fields in records:
        options.learn(domain, scope, fields)
        rate = options.sampling_rate(domain, 1, 2, 3)
        assert rate is None or rate >= 1
