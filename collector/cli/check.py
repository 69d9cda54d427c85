"""`check`: judge a configuration without running it."""

import argparse
import json
from collections.abc import Iterator

from collector.cli.config_arguments import (
    EXIT_MISTAKES,
    add_override_arguments,
    overrides_of,
    print_mistakes,
    read_config,
)
from collector.config.check_sockets import worker_count
from collector.config.model import Config, ListenTable, OutputTable, PublishTable
from collector.config.remarks import remarks
from collector.errors import ConfigError

_DESCRIPTION = """\
Read a configuration as `run` would, with everything it names (certificates, passwords, tables of
elements), and print what the service would do, or all mistakes at once. Nothing is bound and
nobody is connected to.
"""
_EPILOG = "exit status: 0 when the configuration is right, 2 when it has mistakes"
_PROTOCOLS = {"flow": "IPFIX and NetFlow on UDP", "bmp": "BMP on TCP"}


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand and its arguments."""
    parser = subparsers.add_parser(
        "check",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", metavar="FILE", required=True, help="the TOML file to check")
    add_override_arguments(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print what was found; returns the exit status."""
    try:
        config = read_config(args.config, overrides_of(args))
        nfacctd = [*_nfacctd(config)] if config.nfacctd is not None else []
    except ConfigError as error:
        print_mistakes(args.config, error)
        return EXIT_MISTAKES
    print(f"{args.config}: ok")
    for line in (*_summary(config), *nfacctd):
        print(f"  {line}")
    return 0


def _summary(config: Config) -> Iterator[str]:
    workers = worker_count(config.collector.workers)
    yield f"{workers} worker{'s' if workers > 1 else ''}, steering {config.steering.mode}"
    for listen in config.listen:
        yield f"listens for {_PROTOCOLS[listen.kind]} {_endpoint(listen)}"
    if config.device:
        yield f"{len(config.device)} device{'s' if len(config.device) > 1 else ''} configured"
    for output in config.output:
        yield f'output "{output.name}": {_place(output)}'
    for publish in config.publish:
        yield _publication(publish)
    for remark in remarks(config):
        yield f"remark: {remark}"


def _nfacctd(config: Config) -> Iterator[str]:
    # Only here: native records need nothing of it.
    from collector.nfacctd.check_files import check_files, librdkafka_warnings  # noqa: PLC0415
    from collector.nfacctd.native import settings_of  # noqa: PLC0415
    from collector.nfacctd.summary import summary  # noqa: PLC0415

    settings = settings_of(config)
    check_files(settings)
    yield from summary(settings)
    for warning in librdkafka_warnings(settings):
        yield f"remark: {warning}"


def _endpoint(listen: ListenTable) -> str:
    host = f"[{listen.address}]" if ":" in listen.address else listen.address
    return f"{host}:{listen.port}"


def _place(output: OutputTable) -> str:
    if output.type == "kafka":
        return f"Kafka at {', '.join(output.brokers)}, {output.security}, {output.compression}"
    return f"file {output.path}" if output.type == "file" else "standard output"


def _publication(publish: PublishTable) -> str:
    told = f'publishes {publish.records} to "{publish.output}" as {publish.format}'
    if publish.filter is not None:
        told += f" where {' '.join(publish.filter.split())}"
    if publish.columns:
        told += f", {len(publish.columns)} columns"
    return told if publish.topic is None else f"{told}, topic {json.dumps(publish.topic)}"
