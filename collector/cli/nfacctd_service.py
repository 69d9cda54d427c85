"""The service with nfacctd's records: the supervisor as it is, with workers that are nfacctd."""

import logging
import os
import signal
from collections.abc import Iterable

import uvloop

from collector.config.model import Config
from collector.errors import SteeringError
from collector.logs import configure_logging
from collector.nfacctd.check_files import check_files
from collector.nfacctd.log_file import open_log_file, reopen_log_file
from collector.nfacctd.native import settings_of
from collector.nfacctd.pid_file import pid_file
from collector.nfacctd.settings import Settings
from collector.workers.supervisor import Supervisor

_EXIT_STEERING, _EXIT_INTERRUPTED = 3, 130
_LOG_FILES = "log_files"
# What nfacctd's signals mean to the workers; SIGINT and SIGTERM purge and end as they do natively.
_FORWARDED = {
    signal.SIGUSR1: "statistics",
    signal.SIGUSR2: "maps",
    signal.SIGHUP: _LOG_FILES,
}
_LISTENING = {"flow": ("NetFlow/IPFIX", "udp"), "bmp": ("BMP", "tcp")}

log = logging.getLogger(__name__)


def run(config: Config, path: str, warnings: Iterable[str], *, dry_run: bool = False) -> int:
    """Run until told to stop; give the exit status.

    Args:
        config: one with the table [nfacctd].
        path: how messages name the configuration.
        warnings: what is to be said of it in the log.
        dry_run: read all that it names, and end; `dry_run` of the settings asks for that as well.

    Raises:
        ConfigError: a file that it names has mistakes, or cannot be written.
    """
    settings = settings_of(config)
    check_files(settings)
    if dry_run or settings.dry_run:
        _warn(warnings)
        print(f"{path}: ok")
        return 0
    os.umask(settings.files_umask)
    with pid_file(settings.pidfile):
        if settings.logfile is not None:
            open_log_file(settings.logfile)
        configure_logging(config.collector.log_level, "supervisor")
        _warn(warnings)
        try:
            return uvloop.run(_serve(config, settings))
        except SteeringError as error:
            log.error("%s", error)
            return _EXIT_STEERING
        except KeyboardInterrupt:  # before the service takes signals
            return _EXIT_INTERRUPTED


async def _serve(config: Config, settings: Settings) -> int:
    def heard(name: str) -> None:
        if name == _LOG_FILES and settings.logfile is not None:
            reopen_log_file(settings.logfile)

    supervisor = Supervisor(config, forwarded=_FORWARDED, heard=heard)
    return await supervisor.run(lambda: _tell(config))


def _warn(warnings: Iterable[str]) -> None:
    for line in warnings:
        log.warning("%s", line)


def _tell(config: Config) -> None:
    """Write the lines that scripts wait for in nfacctd's log."""
    for listen in config.listen:
        what, transport = _LISTENING[listen.kind]
        log.info(
            "waiting for %s data on interface=all ip=%s port=%d/%s",
            *(what, listen.address, listen.port, transport),
        )
