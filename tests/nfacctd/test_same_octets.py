"""The native mode and the nfacctd mode count the same octets and packets of the same datagrams."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from collector.nfacctd.settings import Plugin, Settings
from collector.simulation.ipfix import Field
from tests.nfacctd.flows.pipeline import Pipeline
from tests.records.flows import batch_of, message

# Counters may come in any of the forms that nfacctd reads (reference 1.2, row 51).
_OCTETS, _PACKETS = (1, 85, 23), (2, 86, 24)
_LENGTHS = (4, 8)
_ADDRESSES = {4: (8, 12), 6: (27, 28)}
_ADDRESS_OCTETS = {4: 4, 6: 16}
_PORTS_AND_PROTOCOL: tuple[Field, ...] = ((7, 2), (11, 2), (4, 1))
_AGGREGATES = (
    ("src_host", "dst_host", "src_port", "dst_port", "proto"),
    ("peer_src_ip", "proto"),
    ("dst_host", "etype"),
    ("timestamp_start", "src_port"),
)
# Larger than any real counter, and small enough that no sum passes 64 bits.
_MOST = {4: (1 << 32) - 1, 8: 1 << 48}


@dataclass(frozen=True)
class Template:
    """Where a template has its counters, and how long they are."""

    version: int
    octets: Field
    packets: Field

    def fields(self) -> Sequence[Field]:
        addresses = [(element, _ADDRESS_OCTETS[self.version]) for element in self._elements]
        return [*addresses, *_PORTS_AND_PROTOCOL, self.octets, self.packets]

    @property
    def _elements(self) -> tuple[int, int]:
        return _ADDRESSES[self.version]


@st.composite
def _messages(draw: st.DrawFn) -> bytes:
    """One message with a template and its records; few hosts, so that records share entries."""
    template = Template(
        draw(st.sampled_from((4, 6))),
        (draw(st.sampled_from(_OCTETS)), draw(st.sampled_from(_LENGTHS))),
        (draw(st.sampled_from(_PACKETS)), draw(st.sampled_from(_LENGTHS))),
    )
    host = st.integers(1, 3).map(lambda n: n.to_bytes(_ADDRESS_OCTETS[template.version]))
    port, protocol = st.integers(0, 3), st.sampled_from((1, 6, 17))
    counters = [
        st.integers(0, _MOST[length]).map(lambda n, length=length: n.to_bytes(length))
        for _, length in (template.octets, template.packets)
    ]
    keys = st.tuples(port, port, protocol).map(lambda values: struct.pack("!HHB", *values))
    record = st.tuples(host, host, keys, *counters).map(b"".join)
    records = b"".join(draw(st.lists(record, min_size=1, max_size=12)))
    template_id = draw(st.integers(256, 258))
    return message(template_id, template.fields(), records, draw(st.integers(0, 2)))


@given(st.lists(_messages(), min_size=1, max_size=6), st.sampled_from(_AGGREGATES))
def test_both_modes_count_the_same(messages: list[bytes], aggregate: tuple[str, ...]) -> None:
    batch = batch_of(*messages)
    pipeline = Pipeline(Settings(plugins=(Plugin(name="p", type="print", aggregate=aggregate),)))
    for exporter, octets in enumerate(messages):
        pipeline.datagram(octets, f"192.0.2.{exporter}")
        if exporter % 2:
            pipeline.close_batch()
    records = pipeline.purge()
    for native, ours in (("octets", "bytes"), ("packets", "packets")):
        # Python's integers, so that a sum that wrapped would show.
        expected = sum(map(int, np.asarray(batch.columns[native])))
        assert sum(record[ours] for record in records) == expected
