"""What a running service can take over from a new configuration, and what it cannot."""

from dataclasses import replace

from collector.config.check_sockets import worker_count
from collector.config.model import Config

# Sockets, their order and their number are fixed for life: a device's place depends on them. The
# others are built into a worker's decoders and tables, which a reload does not empty.
FIXED = {
    "collector": ("name", "workers", "control_socket", "log_level"),
    "steering": ("mode",),
    "rib": ("views", "stale_s", "silence_s", "max_routes"),
    "flow": ("batch_age_ms", "elements", "extra", "element_files", "max_templates"),
}


def refused_changes(old: Config, new: Config) -> list[str]:
    """Name the keys that differ and cannot change while the service runs."""
    refused = [
        f"[{table}] {key}"
        for table, keys in FIXED.items()
        for key in keys
        if getattr(getattr(old, table), key) != getattr(getattr(new, table), key)
    ]
    if not _buckets_fit(old, new):
        refused.append("[steering] buckets")
    if old.listen != new.listen:
        refused.append("[[listen]]")
    return refused


def keep_fixed(old: Config, new: Config) -> Config:
    """Take the new configuration but for what cannot change."""
    tables = {
        table: replace(
            getattr(new, table), **{key: getattr(getattr(old, table), key) for key in keys}
        )
        for table, keys in FIXED.items()
    }
    if not _buckets_fit(old, new):
        tables["steering"] = replace(tables["steering"], buckets=old.steering.buckets)
    return replace(new, listen=old.listen, **tables)


def _buckets_fit(old: Config, new: Config) -> bool:
    """Tell whether moved buckets name workers that there are, when their number has changed too."""
    slots = worker_count(old.collector.workers)
    return all(slot < slots for slot in new.steering.buckets.values())
