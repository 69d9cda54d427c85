"""What settings must not contradict in each other, in whichever syntax they were written.

Each rule gives (attribute, reason); who reads a syntax knows how an attribute is called there.
"""

from collections.abc import Collection, Iterator

from collector.nfacctd.flows.primitives import is_custom
from collector.nfacctd.settings import KafkaSettings

_WITH_VARIABLES = "cannot be together with a topic that has variables"


def topic_contradictions(
    kafka: KafkaSettings, output: str, *, has_schemas: bool
) -> Iterator[tuple[str, str]]:
    """Judge a topic by how records go there.

    Args:
        output: the form of records.
        has_schemas: whether the registry, if there is one, gets any.
    """
    if kafka.dynamic_topic:
        if kafka.multi_values:
            yield "multi_values", _WITH_VARIABLES
        if kafka.topic_rr:
            yield "topic_rr", _WITH_VARIABLES
    if kafka.avro_schema_registry is not None:
        if kafka.dynamic_topic and has_schemas:
            yield "avro_schema_registry", _WITH_VARIABLES
        if output == "avro_json":
            yield "avro_schema_registry", "cannot be together with the output avro_json"
    if kafka.partition_dynamic and kafka.partition_key is None:
        yield "partition_dynamic", "needs a partition_key"


def unknown_primitives(aggregate: Collection[str], own: Collection[str]) -> Iterator[str]:
    """Name the primitives that neither nfacctd nor the operator's file has."""
    return (name for name in aggregate if is_custom(name) and name not in own)
