"""`run`: the service itself, in the foreground, until a signal ends it."""

import argparse
import logging
from functools import partial

import uvloop

from collector.cli.config_arguments import (
    EXIT_MISTAKES,
    add_config_argument,
    add_override_arguments,
    overrides_of,
    print_mistakes,
    read_config,
)
from collector.config.model import Config
from collector.config.remarks import remarks
from collector.errors import ConfigError, SteeringError
from collector.logs import configure_logging
from collector.workers.supervisor import Supervisor

_EXIT_STEERING, _EXIT_INTERRUPTED = 3, 130

_DESCRIPTION = """\
Listen for IPFIX and NetFlow (UDP) and BMP (TCP), join them per device, and publish the records.
Without a file it listens on 4739/udp and 1790/tcp of all addresses, and prints records as JSON.

SIGTERM and SIGINT stop it in order, a second one by force; SIGHUP reads the file again. A file with
the table [nfacctd] has nfacctd's records, and its signals: see `collector nfacctd --help`.
"""
_EPILOG = """\
examples:
  collector --output kafka://broker.example.net:9092/telemetry
  collector run --config /etc/collector.toml
  collector run --config my.toml --output stdout --workers 1 --log-level debug

exit status: 0 after an orderly stop, 1 when records stay unacknowledged or a worker failed,
2 when the configuration has mistakes (before any socket is bound), 3 when the kernel refuses
a socket or the steering asked for
"""

log = logging.getLogger(__name__)


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand and its arguments."""
    parser = subparsers.add_parser(
        "run",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_config_argument(parser)
    add_override_arguments(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the service; returns the exit status."""
    try:
        config = read_config(args.config, overrides_of(args))
        if config.nfacctd is not None:
            return _run_nfacctd(config, args.config)
    except ConfigError as error:
        print_mistakes(args.config, error)
        return EXIT_MISTAKES
    configure_logging(config.collector.log_level, "supervisor")
    for remark in remarks(config):
        log.warning("configuration: %s", remark)
    try:
        return uvloop.run(_serve(config, args))
    except SteeringError as error:
        log.error("%s", error)
        return _EXIT_STEERING
    except KeyboardInterrupt:  # before the supervisor takes signals
        return _EXIT_INTERRUPTED


def _run_nfacctd(config: Config, path: str) -> int:
    # Only here: native records need nothing of it.
    from collector.cli import nfacctd_service  # noqa: PLC0415
    from collector.nfacctd.check_files import librdkafka_warnings  # noqa: PLC0415
    from collector.nfacctd.native import settings_of  # noqa: PLC0415

    warnings = [*remarks(config), *librdkafka_warnings(settings_of(config))]
    return nfacctd_service.run(config, path, warnings)


async def _serve(config: Config, args: argparse.Namespace) -> int:
    reread = None
    if args.config is not None:
        reread = partial(read_config, args.config, overrides_of(args))
    return await Supervisor(config, reread).run()
