"""Rates and names that exporters tell in options data only, spread over their records."""

from typing import Any

import pytest

from collector.processors.options_data import fill_names, fill_sampling
from collector.protocols.ipfix.options import ExporterOptions
from collector.records.flow_batch import FlowBatch
from collector.records.raw_columns import BatchColumns
from tests.records.flows import batch_of, message

OCTETS, INGRESS, EGRESS, SELECTOR, SAMPLER_RATE = (1, 4), (10, 4), (14, 4), (302, 8), (50, 4)
INGRESS_VRF, APPLICATION = (234, 4), (95, 4)


def flow(*fields: tuple[tuple[int, int], int], domain: int = 0) -> bytes:
    """A message with one record of these fields and values."""
    record = b"".join(value.to_bytes(field[1], "big") for field, value in fields)
    return message(300, [field for field, _ in fields], record, domain)


def options(*records: tuple[dict[str, Any], dict[str, Any]], domain: int = 0) -> ExporterOptions:
    told = ExporterOptions()
    for scope, fields in records:
        told.learn(domain, scope, fields)
    return told


def rates(
    batch: FlowBatch, known: dict[int, ExporterOptions], configured: dict[int, int] | None = None
) -> list[float | None]:
    fill_sampling(batch, known.get, (configured or {}).get)
    frame = BatchColumns(batch)
    return frame["samplingRate"].to_list() if "samplingRate" in frame.columns else []


def test_nobody_says_a_rate() -> None:
    batch = batch_of(flow((OCTETS, 1)), flow((OCTETS, 1)))
    assert rates(batch, {0: options(({}, {"interfaceName": "x"}))}) == []


def test_each_of_the_speakers_in_their_order() -> None:
    batch = batch_of(
        flow((OCTETS, 1), (SAMPLER_RATE, 7), (SELECTOR, 1)),
        flow((OCTETS, 1), (SELECTOR, 1), (INGRESS, 5)),
        flow((OCTETS, 1), (SELECTOR, 9), (INGRESS, 5)),
        flow((OCTETS, 1), (INGRESS, 6)),
        flow((OCTETS, 1)),
        flow((OCTETS, 1)),
    )
    told = options(
        ({"selectorId": 1}, {"samplingInterval": 100}),
        ({"ingressInterface": 5}, {"samplingInterval": 200}),
        ({"observationDomainId": 0}, {"samplingInterval": 300}),
    )
    known = dict.fromkeys(range(4), told)
    assert rates(batch, known, {0: 4000, 4: 4000}) == [7.0, 100.0, 200.0, 300.0, 4000.0, None]


def test_domains_do_not_speak_for_each_other_where_both_speak() -> None:
    told = options(({}, {"samplingInterval": 10}), domain=1)
    told.learn(2, {}, {"samplingInterval": 20})
    batch = batch_of(flow((OCTETS, 1), domain=1))
    assert rates(batch, {0: told}) == [10.0]
    assert rates(batch_of(flow((OCTETS, 1), domain=2)), {0: told}) == [20.0]


@pytest.mark.parametrize(
    ("record", "rate"),
    [
        pytest.param(b"\0\0\0\0\0\0\0\0", None, id="interval-0"),
        pytest.param(b"\0\0\0\1\0\0\3\xe7", 1000.0, id="1-and-999"),
        pytest.param(b"\0\0\0\2\0\0\0\1", 1.5, id="2-and-1"),
    ],
)
def test_a_pair_of_fields_in_the_record(record: bytes, rate: float | None) -> None:
    batch = batch_of(message(300, [(305, 4), (306, 4)], record))
    assert rates(batch, {}, {0: 3}) == [rate or 3.0]


def test_names_of_interfaces_vrfs_and_applications() -> None:
    told = options(
        ({"ingressInterface": 5}, {"interfaceName": "et-0/0/5"}),
        ({"ingressVRFID": 3}, {"VRFname": "red"}),
        ({"applicationId": "0d000001"}, {"applicationName": "dns"}),
    )
    batch = batch_of(
        flow((INGRESS, 5), (EGRESS, 6), (INGRESS_VRF, 3), (APPLICATION, 0x0D000001)),
        flow((INGRESS, 5), (EGRESS, 5), (INGRESS_VRF, 4), (APPLICATION, 2)),
        flow((INGRESS, 6)),
    )
    fill_names(batch, {0: told, 2: told}.get)
    names = ("ingressInterfaceName", "egressInterfaceName", "ingressVRFName", "applicationName")
    columns = BatchColumns(batch)
    assert list(zip(*(columns[name] for name in names), strict=True)) == [
        ("et-0/0/5", None, "red", "dns"),
        (None, None, None, None),
        (None, None, None, None),
    ]


def test_who_said_nothing_has_no_columns_of_names() -> None:
    batch = batch_of(flow((INGRESS, 5)))
    fill_names(batch, {}.get)
    assert not [name for name in batch.columns if name.endswith("Name")]
