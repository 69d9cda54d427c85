"""Settings of nfacctd as a native configuration, and back.

[collector] and [[listen]] hold what the supervisor runs by, the table [nfacctd] everything else.
"""

import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

from collector.config.model import CollectorTable, Config, ListenTable, SteeringTable
from collector.nfacctd.joined_devices import joined_devices
from collector.nfacctd.settings import Settings, from_document
from collector.nfacctd.table_keys import keys_of, values_of

STOP_TIMEOUT_S = 15
"""nfacctd ends within seconds of SIGINT; who stops it does not wait longer."""

_NOBODY = ("::/128",)  # no packet comes from the unspecified address
_LEAST_BUFFER_OCTETS = 4 << 10
_SYSTEM_BUFFER_OCTETS = ListenTable("flow").receive_buffer_octets


def to_native(settings: Settings, *, workers: int = 0, log_level: str = "info") -> Config:
    """Give the configuration of the whole service.

    Args:
        workers: one for each core where 0.
    """
    allow = allowed_by_steering(settings)
    document = values_of(settings)
    for table in (document, document["bmp"]):
        if table["allow"] == allow:  # steering lets in nobody else
            table["allow"] = None
    return Config(
        collector=CollectorTable(
            name=settings.core_proc_name,
            workers=workers,
            log_level=log_level,
            stop_timeout_s=STOP_TIMEOUT_S,
        ),
        steering=SteeringTable(allow=allow),
        listen=listen_tables(settings),
        device=joined_devices(settings.agent_map),
        nfacctd=document,
    )


def settings_of(config: Config) -> Settings:
    """Give the settings of a configuration that has the table [nfacctd]."""
    settings: Settings = from_document(config.nfacctd or {})
    flow = next((listen for listen in config.listen if listen.kind == "flow"), None)
    bmp = next((listen for listen in config.listen if listen.kind == "bmp"), None)
    settings = replace(settings, core_proc_name=config.collector.name or socket.gethostname())
    if flow is not None:
        octets = flow.receive_buffer_octets
        settings = replace(
            settings,
            ip=flow.address,
            port=flow.port,
            pipe_size=0 if octets == _SYSTEM_BUFFER_OCTETS else octets,
        )
    if bmp is not None:
        listening = replace(settings.bmp, enabled=True, ip=bmp.address, port=bmp.port)
        settings = replace(settings, bmp=listening)
    return settings


def rooted(table: Any, directory: Path) -> Any:
    """Give settings whose relative paths start at a directory, whatever reads them later."""
    changes: dict[str, Any] = {}
    for key in keys_of(type(table)).values():
        name = key.column.name
        value = getattr(table, name)
        if key.is_path and value is not None:
            changes[name] = str(directory / value)
        elif key.is_table and key.is_list:
            changes[name] = tuple(rooted(entry, directory) for entry in value)
        elif key.is_table and value is not None:
            changes[name] = rooted(value, directory)
    return replace(table, **changes)


def listen_tables(settings: Settings) -> tuple[ListenTable, ...]:
    """Give the addresses to listen on; BMP's only where nfacctd would."""
    flow = ListenTable("flow", settings.ip, settings.port)
    if settings.pipe_size:
        flow = replace(flow, receive_buffer_octets=max(settings.pipe_size, _LEAST_BUFFER_OCTETS))
    if not settings.bmp.enabled:
        return (flow,)
    return flow, ListenTable("bmp", settings.bmp.ip, settings.bmp.port)


def allowed_by_steering(settings: Settings) -> tuple[str, ...]:
    """Give the prefixes that steering lets in; (): everybody.

    Steering has one list for all sockets, nfacctd one for flows and one for BMP: it lets in who may
    send either, and workers ask `Settings.allow` and `BmpSettings.allow` once more.
    """
    lists = [settings.allow]
    if settings.bmp.enabled:
        lists.append(settings.bmp.allow)
    allowed: list[str] = []
    for entry in lists:
        if entry is None:
            return ()
        allowed += entry
    return tuple(dict.fromkeys(allowed)) or _NOBODY
