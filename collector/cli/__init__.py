"""The command line: one module for each subcommand."""

import argparse
import sys
from importlib import import_module

# Name and what it does, in the order of the help. A subcommand's module is imported when it is the
# one asked for: `decode` does not pay for Kafka.
_COMMANDS = {
    "run": "run the service (the default)",
    "check": "judge a configuration without running it",
    "status": "show what the running service is doing",
    "snapshot": "have the running service publish whole BGP tables",
    "nfacctd": "run by an nfacctd.conf, with the records that nfacctd publishes",
    "steer": "show which worker serves a device",
    "decode": "print the flow and BMP messages of captures as JSON lines",
    "demo": "run everything on the loopback with simulated routers",
}
_DEFAULT_COMMAND = "run"
_DESCRIPTION = "Network telemetry collector: IPFIX, NetFlow and BMP in, correlated records out."
_EPILOG = "`collector COMMAND --help` tells more."


def main(argv: list[str] | None = None) -> int:
    """Run the subcommand that the arguments name; returns the exit status.

    Without one it is `run`, so that its options may follow at once.
    """
    arguments = sys.argv[1:] if argv is None else argv
    if not arguments or (arguments[0].startswith("-") and arguments[0] not in ("-h", "--help")):
        arguments = [_DEFAULT_COMMAND, *arguments]
    args = _parser(arguments[0]).parse_args(arguments)
    return args.run(args)


def _parser(chosen: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="collector", description=_DESCRIPTION, epilog=_EPILOG)
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, summary in _COMMANDS.items():
        if name == chosen:
            import_module(f"collector.cli.{name}").add_parser(subparsers)
        else:
            subparsers.add_parser(name, help=summary)
    return parser
