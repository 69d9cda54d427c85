"""A router that exports flows from one address and speaks BMP from another is named once."""

import logging

import pytest

from collector.workers.alias_hints import AliasHints


def bmp(device: str, *names: str) -> dict[str, object]:
    return {"kind": "bmp", "device": device, "names": list(names)}


def flow(device: str, *names: str) -> dict[str, object]:
    return {"kind": "flow", "device": device, "names": list(names)}


@pytest.mark.parametrize(
    ("first", "second", "pairs"),
    [
        pytest.param(
            flow("10.0.0.1"),
            bmp("192.0.2.1", "10.0.0.1"),
            [("10.0.0.1", "192.0.2.1")],
            id="a-peering-is-from-the-exporter's-address",
        ),
        pytest.param(
            bmp("192.0.2.1", "10.9.9.9"),
            flow("10.0.0.1", "192.0.2.1"),
            [("10.0.0.1", "192.0.2.1")],
            id="the-exporter-names-the-bmp-address",
        ),
        pytest.param(flow("10.0.0.1"), bmp("10.0.0.1", "10.0.0.1"), [], id="one-address"),
        pytest.param(flow("10.0.0.1"), bmp("192.0.2.1", "10.0.0.2"), [], id="strangers"),
        pytest.param(bmp("192.0.2.1", "r1"), bmp("192.0.2.2", "r1"), [], id="both-speak-bmp"),
    ],
)
def test_pairs(
    first: dict[str, object],
    second: dict[str, object],
    pairs: list[tuple[str, str]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    hints = AliasHints()
    with caplog.at_level(logging.WARNING):
        hints.learn(first)
        assert hints.learn(second) == pairs
        assert hints.learn(second) == []
    assert len(caplog.records) == len(pairs)
    assert all("[[device]] addresses" in record.getMessage() for record in caplog.records)


def test_a_device_with_both_streams_is_complete_and_no_half_of_another() -> None:
    hints = AliasHints()
    hints.learn(flow("10.0.0.1"))
    hints.learn(bmp("10.0.0.1"))
    assert hints.learn(bmp("192.0.2.1", "10.0.0.1")) == []


def test_names_of_many_speakers_say_nothing_and_cost_nothing() -> None:
    hints = AliasHints()
    for number in range(20_000):
        hints.learn(flow(f"10.{number >> 8}.{number & 255}.1", "localhost"))
    # All of them tell it: which one would be the router that lacks an alias?
    assert len(hints.learn(bmp("192.0.2.1", "localhost"))) <= 17
    assert hints.learn(bmp("192.0.2.2", "10.7.7.1")) == [("10.7.7.1", "192.0.2.2")]


def test_a_name_that_is_told_later_makes_the_pair() -> None:
    hints = AliasHints()
    hints.learn(flow("10.0.0.1"))
    assert hints.learn(bmp("192.0.2.1")) == []
    assert hints.learn(bmp("192.0.2.1", "10.0.0.1")) == [("10.0.0.1", "192.0.2.1")]
