"""Beside [nfacctd]: what would have no effect, as that table says how records are made and sent."""

from collections.abc import Iterator, Mapping
from typing import Any

from collector.config.document import LISTS

NFACCTD = "nfacctd"
_WITHOUT_EFFECT = ("flow", "rib", "snapshot", "rd", "aggregate", "output", "publish")
_OF_DEVICES = ("views", "sampling_rate")  # addresses and rib_of are for steering


def without_effect(document: Mapping[str, Any], output: str | None) -> Iterator[str]:
    """Name the tables, the keys and the argument that the service would pass over.

    Args:
        document: a whole configuration that has the table [nfacctd].
        output: what the command line says in place of its outputs.
    """
    for name in _WITHOUT_EFFECT:
        if name in document:
            heading = f"[[{name}]]" if name in LISTS else f"[{name}]"
            yield f"{heading}: has no effect beside [{NFACCTD}]: remove one of them"
    devices = document.get("device")
    for number, entry in enumerate(devices if isinstance(devices, list) else (), 1):
        for key in _OF_DEVICES:
            if isinstance(entry, dict) and key in entry:
                yield f"[[device]] #{number} {key}: has no effect beside [{NFACCTD}]"
    if output is not None:
        yield (
            f"--output {output}: has no effect beside [{NFACCTD}]: its keys flow_out, bmp_out and "
            "dump_out send records to files"
        )
