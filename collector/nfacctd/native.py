"""Settings of nfacctd as the configuration that the supervisor runs by: sockets, steering, workers.

What records hold and where they go is not in it: workers make that from the settings themselves.
"""

from collector.config.model import CollectorTable, Config, ListenTable, SteeringTable
from collector.nfacctd.settings import RunOptions, Settings

STOP_TIMEOUT_S = 15
"""nfacctd ends within seconds of SIGINT; who stops it does not wait longer."""

_NOBODY = ("::/128",)  # no packet comes from the unspecified address
_LEAST_BUFFER_OCTETS = 4 << 10


def to_native(settings: Settings, options: RunOptions) -> Config:
    """Give the supervisor's configuration."""
    return Config(
        collector=CollectorTable(
            name=settings.core_proc_name,
            workers=options.workers,
            log_level=options.log_level,
            stop_timeout_s=STOP_TIMEOUT_S,
        ),
        steering=SteeringTable(allow=allowed_by_steering(settings)),
        listen=listen_tables(settings),
    )


def listen_tables(settings: Settings) -> tuple[ListenTable, ...]:
    """Give the addresses to listen on; BMP's only where nfacctd would."""
    flow = ListenTable("flow", settings.ip, settings.port)
    if settings.pipe_size:
        octets = max(settings.pipe_size, _LEAST_BUFFER_OCTETS)
        flow = ListenTable("flow", settings.ip, settings.port, octets)
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
