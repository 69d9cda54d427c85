"""What is allowed but most likely not meant: remarks on a valid configuration."""

import os
from collections.abc import Iterator
from ipaddress import ip_address, ip_network

from collector.config.model import Config, PublishTable
from collector.config.values import listed


def remarks(config: Config) -> list[str]:
    """Give a line for each thing that an operator should look at again."""
    return [
        *_unpublished(config),
        *_without_key(config),
        *_shut_out(config),
        *_tables(config),
        *_rds_in_vain(config),
        *_secrets(config),
        *_too_many_workers(config),
    ]


def _unpublished(config: Config) -> Iterator[str]:
    published = {entry.records for entry in config.publish}
    for aggregate in config.aggregate:
        if aggregate.name not in published:
            yield f'[[aggregate]] "{aggregate.name}": nobody publishes it, so it is not made'
    used = {entry.output for entry in config.publish}
    for output in config.output:
        if output.name not in used:
            yield f'[[output]] "{output.name}": nothing is published to it'
    if config.snapshot.interval_s and "bmp" not in published:
        yield '[snapshot] interval_s: nothing publishes records = "bmp", so there are no snapshots'


def _without_key(config: Config) -> Iterator[str]:
    keys = {aggregate.name: aggregate.keys for aggregate in config.aggregate}
    by_device = {
        output.name
        for output in config.output
        if output.type == "kafka" and output.partition_by == "device"
    }
    for entry in config.publish:
        if entry.output in by_device and "device" not in _columns_of(entry, keys):
            yield (
                f'[[publish]] "{entry.records}" to "{entry.output}": without the column device '
                "messages have no key, and a device's records no order"
            )


def _columns_of(entry: PublishTable, keys: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    return entry.columns or keys.get(entry.records, ("device",))


def _shut_out(config: Config) -> Iterator[str]:
    allowed = [ip_network(prefix) for prefix in config.steering.allow]
    if not allowed:
        return
    for device in config.device:
        out = [
            address
            for address in device.addresses
            if not any(
                network.version == ip_address(address).version and ip_address(address) in network
                for network in allowed
            )
        ]
        if out:
            yield f"[[device]] {listed(out)}: [steering] allow does not let it in"


def _tables(config: Config) -> Iterator[str]:
    if not config.rib.views:
        yield "[rib] views: no tables are kept, so no flow is joined with a route"
    if config.rib.stale_s == 0:
        yield "[rib] stale_s: a BMP session that is lost takes its routes along at once"


def _rds_in_vain(config: Config) -> Iterator[str]:
    """Name lines that never answer: of those that fit a flow, the first one counts."""
    for number, entry in enumerate(config.rd):
        for earlier_number, earlier in enumerate(config.rd[:number]):
            if all(
                getattr(earlier, key) in (None, getattr(entry, key))
                for key in ("device", "vrf_id", "ingress_interface")
            ):
                yield (
                    f"[[rd]] #{number + 1}: is never used, as #{earlier_number + 1} comes first "
                    "and fits all of its flows; put the narrower one first"
                )
                break


def _secrets(config: Config) -> Iterator[str]:
    for output in config.output:
        if output.password is not None:
            yield f'[[output]] "{output.name}" password: password_file keeps it out of this file'
        if output.security == "sasl_plaintext" and output.sasl_mechanism == "PLAIN":
            yield f'[[output]] "{output.name}" security: the password crosses the network in clear'
        if "tls" in output.security and not output.verify_broker:
            yield f'[[output]] "{output.name}" verify_broker: anybody can pass for the broker'


def _too_many_workers(config: Config) -> Iterator[str]:
    cores = len(os.sched_getaffinity(0))
    if config.collector.workers > cores:
        yield f"[collector] workers: {config.collector.workers} share {cores} cores"
