"""Flow batches from IPFIX messages, the way a worker makes them."""

from collections.abc import Sequence

from collector.metrics import Counters
from collector.protocols.flow_decoder import FlowDecoder
from collector.protocols.flow_values import DataSet
from collector.protocols.ipfix.registry import Registry
from collector.records.batch_builder import BatchBuilder
from collector.records.flow_batch import FlowBatch
from collector.records.segment import CanonicalReader
from collector.simulation.ipfix import Field, data_set, ipfix_message, template_set

EXPORT_TIME_S = 1_700_000_000


def decoder() -> FlowDecoder:
    return FlowDecoder(Registry.default(), counters=Counters())


def message(template_id: int, fields: Sequence[Field], records: bytes, domain: int = 0) -> bytes:
    sets = [template_set(template_id, fields), data_set(template_id, records)]
    return ipfix_message(sets, export_time_s=EXPORT_TIME_S, sequence=0, domain=domain)


def batch_of(*messages: bytes, elements: Sequence[str] = (), extra: bool = True) -> FlowBatch:
    """Decode messages, each from an exporter of its own (index 0, 1, ...), into one batch."""
    flows = decoder()
    builder = BatchBuilder(flows.lists, CanonicalReader(elements, extra))
    for exporter, octets in enumerate(messages):
        for event in flows.decode(f"192.0.2.{exporter}", memoryview(octets), 0.0):
            if isinstance(event, DataSet):
                builder.add(event, exporter, 1_000_000, 0)
    batch, faults = builder.read(builder.take())
    assert batch is not None
    assert faults == 0
    return batch
