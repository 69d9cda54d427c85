"""`snapshot`: have the running service publish whole tables."""

import argparse

from collector.cli.service import (
    EXIT_MISTAKES,
    EXIT_NO_ANSWER,
    NoAnswerError,
    add_socket_arguments,
    ask,
    print_error,
)
from collector.config.values import BadValue, address
from collector.errors import ConfigError

_DESCRIPTION = """\
Ask the running service to publish the whole BGP tables of devices, between events of type
"snapshot_begin" and "snapshot_end", where BMP events are published. Prints the devices for which
it has begun.
"""
_EPILOG = "exit status: 0, 1 when no service answers or none of the devices has tables"


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand and its arguments."""
    parser = subparsers.add_parser(
        "snapshot",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "devices", metavar="DEVICE", nargs="*", type=_device, help="address (default: all devices)"
    )
    add_socket_arguments(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Ask; returns the exit status."""
    try:
        answer = ask(args, {"ask": "snapshot", "devices": args.devices})
    except ConfigError as error:
        print_error("snapshot", error)
        return EXIT_MISTAKES
    except NoAnswerError as error:
        print_error("snapshot", error)
        return EXIT_NO_ANSWER
    for device in answer["devices"]:
        print(device)
    missing = [device for device in args.devices if device not in answer["devices"]]
    if missing or not answer["devices"]:
        told = f"no tables of {', '.join(missing)}" if missing else "no device has tables"
        print_error("snapshot", NoAnswerError(told))
        return EXIT_NO_ANSWER
    return 0


def _device(text: str) -> str:
    try:
        return address(text)
    except BadValue:
        raise argparse.ArgumentTypeError(f"{text!r} is no IPv4 or IPv6 address") from None
