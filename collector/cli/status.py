"""`status`: what the running service is doing."""

import argparse
import sys

import orjson
from rich.console import Console

from collector.cli.service import (
    EXIT_MISTAKES,
    EXIT_NO_ANSWER,
    NoAnswerError,
    add_socket_arguments,
    ask,
    print_error,
)
from collector.cli.status_view import status_view
from collector.errors import ConfigError

_DESCRIPTION = """\
Ask the running service: workers, devices (last seen, templates, sequence gaps, clock skew, BMP
peers and routes) and all counters that are not zero, with their reasons.
"""
_EPILOG = """\
clock skew is our clock minus the exporter's: above zero the exporter's is behind

exit status: 0, 1 when no service answers
"""
_NO_TERMINAL_COLUMNS = 200  # in a pipe nothing shall be cut


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand and its arguments."""
    parser = subparsers.add_parser(
        "status",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="everything, as one JSON object")
    add_socket_arguments(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Ask and print; returns the exit status."""
    try:
        status = ask(args, {"ask": "status"})
    except ConfigError as error:
        print_error("status", error)
        return EXIT_MISTAKES
    except NoAnswerError as error:
        print_error("status", error)
        return EXIT_NO_ANSWER
    if args.json:
        sys.stdout.write(orjson.dumps(status, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        console = Console(highlight=False, markup=False, soft_wrap=False)
        if not console.is_terminal:
            console = Console(highlight=False, markup=False, width=_NO_TERMINAL_COLUMNS)
        console.print(status_view(status))
    return 0
