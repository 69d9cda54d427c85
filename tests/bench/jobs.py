"""What a row of the bench asks of a collector, in no collector's own words."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Job:
    """One kind of work.

    Attributes:
        records: what is published: nothing (the flows are decoded and counted), sums over 14 keys,
            or every flow.
        joined: with what the exporter's BGP table says of the destination.
        output: where to; Kafka topics and files are named by the run.
        flows_per_s: rate of sending: below what the slower of two collectors loses at.
    """

    row: str
    what: str
    records: Literal["none", "sums", "flows"]
    joined: bool
    output: Literal["none", "file", "kafka"]
    flows_per_s: float


@dataclass(frozen=True, slots=True)
class Place:
    """Where one run happens: free ports, an own directory, a window of wall-clock time."""

    directory: str
    flow_port: int
    bmp_port: int
    bootstrap: str
    topic: str
    window_s: int


JOBS = {
    job.row: job
    for job in (
        Job("A", "decode only", "none", False, "none", 60_000),
        Job("Bf", "sums over 14 keys, JSON to file", "sums", False, "file", 60_000),
        Job("B", "sums over 14 keys, JSON to Kafka", "sums", False, "kafka", 60_000),
        Job("C", "B joined", "sums", True, "kafka", 50_000),
        Job("Df", "every flow, joined, JSON to file", "flows", True, "file", 25_000),
        Job("D", "every flow, joined, JSON to Kafka", "flows", True, "kafka", 25_000),
    )
}
