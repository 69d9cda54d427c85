"""`nfacctd`: the service by an nfacctd.conf, with nfacctd's records."""

import argparse
import sys
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from collector.cli import nfacctd_service
from collector.cli.config_arguments import EXIT_MISTAKES, print_mistakes
from collector.config.model import Config
from collector.config.schema import LOG_LEVELS, MAX_SLOTS
from collector.errors import ConfigError
from collector.nfacctd.check_files import check_files
from collector.nfacctd.explain import explain
from collector.nfacctd.keys import Treatment
from collector.nfacctd.native import rooted, to_native
from collector.nfacctd.read_settings import Reading, read_file
from collector.nfacctd.settings import Settings

_IN_PLACE_OF = "nfacctd 1.8.1"
_OUT_ARGUMENTS = ("flow_out", "bmp_out", "dump_out")

_DESCRIPTION = """\
Run in the place of pmacct's nfacctd: read its configuration, publish its records. Stays in the
foreground. SIGINT and SIGTERM purge and end, SIGUSR1 logs statistics, SIGUSR2 reads maps again,
SIGHUP opens log files again.
"""
_EPILOG = """\
examples:
  collector nfacctd -f /etc/pmacct/nfacctd.conf --explain     what becomes of each key
  collector nfacctd -f /etc/pmacct/nfacctd.conf
  collector nfacctd -f nfacctd.conf --flow-out flows.json --bmp-out bmp.json

exit status: 0 after an orderly stop, 1 when records stay unacknowledged or a worker failed,
2 when the configuration has mistakes or asks for what is not supported (before any socket is
bound), 3 when the kernel refuses a socket or the steering asked for
"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand and its arguments."""
    parser = subparsers.add_parser(
        "nfacctd",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("-f", dest="conf", metavar="CONF", help="nfacctd's configuration")
    what.add_argument("-V", dest="version", action="store_true", help="print the version, and end")
    parser.add_argument(
        "-T",
        dest="dry_run",
        metavar="config",
        choices=("config", "setup"),
        help="read the configuration and all it names, and end",
    )
    parser.add_argument(
        "--explain",
        action="store_true",
        help="tell what becomes of each key, print it as native configuration, end",
    )
    parser.add_argument(
        "--lenient",
        action="store_true",
        help="start in spite of keys that are not supported and of values that nfacctd ignores",
    )
    parser.add_argument(
        "--workers",
        metavar="N",
        type=_workers,
        default=0,
        help="worker processes (default: one for each core)",
    )
    for name, records in (("flow", "flows"), ("bmp", "BMP events"), ("dump", "table dumps")):
        parser.add_argument(
            f"--{name}-out",
            metavar="FILE",
            help=f"append {records} to a file, one JSON object a line, in place of Kafka",
        )
    parser.add_argument(
        "--log-level", choices=LOG_LEVELS, default="info", help="how much to log (default: info)"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the service, or say what it would do; returns the exit status."""
    if args.version:
        print(f"collector {_version()}, in the place of {_IN_PLACE_OF}")
        return 0
    try:
        reading = read_file(args.conf, lenient=args.lenient or args.explain)
        if args.explain:
            return _explain(args, reading)
        native = _native(args, reading.settings)
        warnings = (*reading.warnings, *reading.refused)
        return nfacctd_service.run(native, args.conf, warnings, dry_run=args.dry_run is not None)
    except ConfigError as error:
        return _refuse(args.conf, error)


def _explain(args: argparse.Namespace, reading: Reading) -> int:
    # Who keeps it in a file elsewhere shall mean the same files by it.
    settings = rooted(reading.settings, Path.cwd())
    print(explain(reading, args.conf, _native(args, settings)), end="")
    check_files(settings)
    if reading.refused and not args.lenient:
        raise ConfigError(list(reading.refused))
    return 0


def _native(args: argparse.Namespace, settings: Settings) -> Config:
    """Make the configuration of the service, with what the command line says."""
    outs = {name: getattr(args, name) for name in _OUT_ARGUMENTS}
    settings = replace(
        settings,
        **{name: path and str(Path(path).absolute()) for name, path in outs.items()},
    )
    return to_native(settings, workers=args.workers, log_level=args.log_level)


def _refuse(conf: str, error: ConfigError) -> int:
    print_mistakes(conf, error)
    if any(Treatment.NOT_SUPPORTED.value in mistake for mistake in error.mistakes):
        print("  (--lenient starts without what is not supported)", file=sys.stderr)
    return EXIT_MISTAKES


def _workers(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) <= MAX_SLOTS):
        raise argparse.ArgumentTypeError(f"must be a whole number from 0 to {MAX_SLOTS}")
    return int(text)


def _version() -> str:
    try:
        return version("collector")
    except PackageNotFoundError:  # run from its source
        return "of the source"
