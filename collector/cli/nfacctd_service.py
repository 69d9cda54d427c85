"""The service in nfacctd's place: the supervisor as it is, with workers that are nfacctd."""

import logging
import signal

import uvloop

from collector.nfacctd.log_file import reopen_log_file
from collector.nfacctd.native import to_native
from collector.nfacctd.settings import RunOptions, Settings, to_document
from collector.workers.supervisor import Supervisor

_LOG_FILES = "log_files"
# What nfacctd's signals mean to the workers; SIGINT and SIGTERM purge and end as they do natively.
_FORWARDED = {
    signal.SIGUSR1: "statistics",
    signal.SIGUSR2: "maps",
    signal.SIGHUP: _LOG_FILES,
}

log = logging.getLogger(__name__)


def run(settings: Settings, options: RunOptions) -> int:
    """Run until told to stop; give the exit status.

    Raises:
        SteeringError: a socket cannot be opened, or the rung asked for is refused.
    """
    documents = {"settings": to_document(settings), "options": to_document(options)}

    def heard(name: str) -> None:
        if name == _LOG_FILES and settings.logfile is not None:
            reopen_log_file(settings.logfile)

    async def serve() -> int:
        config = to_native(settings, options)
        supervisor = Supervisor(config, nfacctd=documents, forwarded=_FORWARDED, heard=heard)
        return await supervisor.run(lambda: _tell(settings))

    return uvloop.run(serve())


def _tell(settings: Settings) -> None:
    """Write the lines that scripts wait for in nfacctd's log."""
    told = [("NetFlow/IPFIX", settings.ip, settings.port, "udp")]
    if settings.bmp.enabled:
        told.append(("BMP", settings.bmp.ip, settings.bmp.port, "tcp"))
    for what, ip, port, transport in told:
        log.info("waiting for %s data on interface=all ip=%s port=%d/%s", what, ip, port, transport)
