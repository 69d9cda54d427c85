"""What SIGUSR1 has nfacctd log of each exporter and source id (reference 7.4)."""

from collections.abc import Iterator, Mapping

from collector.protocols.flow_domains import Domain, DomainKey


def exporter_statistics(
    domains: Mapping[DomainKey, Domain], listen: str, now_s: int, discarded: int
) -> Iterator[str]:
    """Write one line for each exporter and source id, in nfacctd's form.

    Octets are not counted by source here, so `bytes=` is missing. A late datagram jumps back.

    Args:
        listen: "ADDRESS:PORT" of the flow socket.
        discarded: datagrams that were dropped.
    """
    yield "+++"
    for (exporter, source_id, _), domain in sorted(domains.items()):
        sequence = domain.sequence
        forward, backward = sequence.gaps, sequence.late + sequence.restarts
        yield (
            f"stats [{listen}] agent={exporter}:{source_id} time={now_s} "
            f"packets={domain.messages} "
            f"seq_good={max(domain.messages - forward - backward, 0)} "
            f"seq_jmp_fwd={forward} seq_jmp_bck={backward}"
        )
    yield f"stats [{listen}] time={now_s} discarded_packets={discarded}"
    yield "---"
