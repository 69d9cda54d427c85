"""``collector steer``: which worker a device's address leads to, and how the workers are loaded."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

from collector.cli.config_arguments import read_config
from collector.config.check_sockets import worker_count
from collector.config.load import Overrides
from collector.errors import ConfigError
from collector.steering.placement import load_of_slots, place
from collector.steering.slots import BUCKETS, MAX_SLOTS, SlotTable, device_text
from collector.workers.slot_table import slot_table

_DESCRIPTION = """\
Print the device, bucket and slot that steering gives each ADDRESS. A device is hashed into one
of 4096 buckets, and a bucket is served by slot `bucket modulo workers` unless it was moved. The
kernel does the same on every machine, so the answer needs no running collector.
"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand; its ``run`` default is the function of this module."""
    parser = subparsers.add_parser(
        "steer", help="show which worker serves a device", description=_DESCRIPTION
    )
    parser.add_argument("addresses", metavar="ADDRESS", nargs="*", help="IPv4 or IPv6 address")
    parser.add_argument(
        "--config", metavar="FILE", help="take workers, buckets and devices from this file"
    )
    parser.add_argument(
        "--workers",
        metavar="N",
        type=int,
        help=f"number of slots, at most {MAX_SLOTS} (default: the file's, or one for each core)",
    )
    parser.add_argument(
        "--alias",
        metavar="ADDRESS=DEVICE",
        type=_alias,
        action="append",
        default=[],
        help="a further address of a device; may be repeated",
    )
    parser.add_argument(
        "--bucket",
        metavar="BUCKET=SLOT",
        type=_moved_bucket,
        action="append",
        default=[],
        help="a bucket that was moved to another slot; may be repeated",
    )
    parser.add_argument(
        "--table",
        action="store_true",
        help="print the load of each slot: buckets, and how many of the addresses",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print what was asked for; 2 where an argument is wrong."""
    if not args.addresses and not args.table:
        print("collector steer: give an ADDRESS or --table", file=sys.stderr)
        return 2
    try:
        table = _table(args)
        placements = place(args.addresses, table)
    except ConfigError as error:
        print(f"collector steer: {error}", file=sys.stderr)
        return 2
    if args.table:
        loads = [asdict(load) for load in load_of_slots(table, placements)]
        for load in loads:
            load["share"] = round(load["buckets"] / BUCKETS, 4)
        _print(loads, as_json=args.json)
    else:
        _print([asdict(placement) for placement in placements], as_json=args.json)
    return 0


def _table(args: argparse.Namespace) -> SlotTable:
    workers, buckets, aliases = args.workers, dict(args.bucket), dict(args.alias)
    if args.config is not None:
        config = read_config(args.config, Overrides(workers))
        workers = worker_count(config.collector.workers)
        configured = slot_table(config, workers)
        buckets = configured.buckets | buckets
        pairs = configured.aliases.items()
        aliases = {device_text(alias): device_text(device) for alias, device in pairs} | aliases
    elif workers is None:
        workers = worker_count(0)
    return SlotTable(workers, buckets, aliases)


def _print(rows: Sequence[dict[str, object]], *, as_json: bool) -> None:
    if as_json:
        for row in rows:
            print(json.dumps(row))
        return
    texts = [[name.replace("_", " ") for name in rows[0]]]
    texts += [[str(value) for value in row.values()] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    for text in texts:
        print("  ".join(map(str.ljust, text, widths)).rstrip())


def _alias(text: str) -> tuple[str, str]:
    alias, separator, device = text.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError(f"{text!r} is not ADDRESS=DEVICE")
    return alias, device


def _moved_bucket(text: str) -> tuple[int, int]:
    bucket, _, slot = text.partition("=")
    try:
        return int(bucket), int(slot)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not BUCKET=SLOT") from None
