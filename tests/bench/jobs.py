"""What a row of the bench asks of a collector, in no collector's own words."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Job:
    """One kind of work.

    Attributes:
        records: what is published: nothing (the flows are decoded and counted), sums over 14 keys,
            every flow, or every BMP message as an event.
        joined: with what the exporter's BGP table says of source and destination.
        output: where to; Kafka topics and files are named by the run.
        flows_per_s: rate of sending: below what the slower of two collectors loses at.
        arrow: many records a message, as an Arrow IPC stream; else one a message, as JSON.
        every_column: records of flows have all columns, as by default.
        repeat: how often all datagrams are sent: cheap work needs more of it to be measured.
    """

    records: Literal["none", "sums", "flows", "events"]
    joined: bool = False
    output: Literal["none", "file", "kafka"] = "kafka"
    flows_per_s: float = 60_000
    arrow: bool = False
    every_column: bool = False
    workers: int = 1
    repeat: int = 1

    @property
    def listens_to_bmp(self) -> bool:
        """Whether routers send their tables."""
        return self.joined or self.records == "events"


@dataclass(frozen=True, slots=True)
class Place:
    """Where one run happens: free ports, an own directory, a window of wall-clock time.

    Attributes:
        groups: records that a window will have; collectors with tables of a fixed size need it.
    """

    directory: str
    flow_port: int
    bmp_port: int
    bootstrap: str
    topic: str
    window_s: int
    groups: int = 0
