"""What one worker knows of each device, as the status shows it."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from collector.pipeline.devices import DeviceDirectory
from collector.protocols.flow_decoder import FlowDecoder
from collector.rib.rib import Rib


def device_status(
    slot: int,
    directory: DeviceDirectory,
    decoder: FlowDecoder,
    sessions: dict[str, list[dict[str, Any]]],
    rib: Rib,
    now_s: float,
) -> Iterator[dict[str, Any]]:
    """Give one entry a device: its exporters with their domains, its BMP sessions, its tables."""
    exporters: dict[str, list[dict[str, Any]]] = {}
    for (exporter, domain_id, version), domain in decoder.domains.items():
        if not domain.messages:
            continue
        sequence = domain.sequence
        exporters.setdefault(directory.device_of(exporter), []).append(
            {
                "address": exporter,
                "observation_domain_id": domain_id,
                "version": version,
                "last_seen_s": round(now_s - domain.last_seen_s, 1),
                "datagrams": domain.messages,
                "templates": len(domain.templates.by_id),
                "sequence_gaps": sequence.gaps,
                "lost": sequence.lost,
                "late": sequence.late,
                "restarts": sequence.restarts,
                # Above zero: the exporter's clock is behind ours, or its datagrams travel long.
                "clock_skew_s": round(domain.last_seen_s - domain.last_export_time_s, 1),
            }
        )
    for device in dict.fromkeys([*exporters, *sessions]):
        yield {
            "device": device,
            "slot": slot,
            "exporters": exporters.get(device, []),
            "bmp_sessions": sessions.get(device, []),
            "rib": _rib_status(rib, device),
        }


def _rib_status(rib: Rib, device: str) -> dict[str, Any] | None:
    found = rib.device_statistics(device)
    if found is None:
        return None
    status = asdict(found) | {"state": found.state.text}
    status["routes_by_table"] = {
        f"{view} {afi}/{safi}": count for (view, afi, safi), count in found.routes_by_table.items()
    }
    return status
