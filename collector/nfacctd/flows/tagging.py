"""Tags, labels and TOS of flows: from `pre_tag_map`, or as the device sent them (1.2, 5.4)."""

import numpy as np
import polars as pl

from collector.nfacctd.flows.map_values import Context, evaluate
from collector.nfacctd.flows.tables import Frame
from collector.nfacctd.maps.pre_tag_map import PreTagMap
from collector.nfacctd.maps.tags import Tags
from collector.records.distinct import map_distinct

_DSCP_SHIFT = 2  # RFC 2474 section 3
_OWN = {"record_tag": "tag", "record_tag2": "tag2", "record_label": "label"}


def tag_flows(frame: Frame, rules: PreTagMap | None, context: Context, *, dscp: bool) -> Frame:
    """Give a frame with ``tag``, ``tag2``, ``label`` and the final ``tos``.

    Args:
        frame: the batch, with its routes; it stays as it is.
        rules: the map; None: there is none.
        context: of the map's properties.
        dscp: `tos_encode_as_dscp`; a TOS that a rule sets is left as it is.
    """
    tagged = Frame(frame.data)
    if rules is None:
        _apply_dscp(tagged, dscp)
        return tagged
    given, which = evaluate(tagged, rules, context)
    copies = _copies(tagged, given, which, dscp)
    _apply(tagged, given, which, dscp)
    if not copies:
        return tagged
    return Frame(pl.concat([*copies, tagged.data], how="diagonal_relaxed"))


def with_own_tags(frame: Frame) -> Frame:
    """Put what records say of their own tags and label in place of what a map said.

    Filters by tag do not see it.
    """
    own = [name for name in _OWN if frame.has(name)]
    if not own:
        return frame
    tagged = Frame(frame.data)
    for name in own:
        column = _OWN[name]
        told = frame.get(name)
        if column == "label":
            told = map_distinct([told], _label, pl.String())
        is_told = told != ("" if column == "label" else 0)
        chosen = pl.when(is_told).then(told).otherwise(frame.get(column))
        tagged.put(column, pl.select(chosen).to_series())
    return tagged


def _label(octets: bytes | None) -> str:
    return (octets or b"").partition(b"\0")[0].decode(errors="replace")


def _copies(frame: Frame, given: list[Tags], which: np.ndarray, dscp: bool) -> list[pl.DataFrame]:
    """Make the rows that a map hands out before those with the final tags."""
    most = max((len(tags.copies) for tags in given), default=0)
    copies = []
    for number in range(most):
        has_it = np.array([len(tags.copies) > number for tags in given])[which]
        rows = Frame(frame.data.filter(pl.Series(has_it)))
        tags = [one.copies[number] if len(one.copies) > number else one for one in given]
        _apply(rows, tags, which[has_it], dscp)
        copies.append(rows.data)
    return copies


def _apply(frame: Frame, given: list[Tags], which: np.ndarray, dscp: bool) -> None:
    for column in ("tag", "tag2"):
        is_set = np.array([getattr(tags, f"has_{column}") for tags in given], bool)
        if is_set.any():
            numbers = np.array([getattr(tags, column) for tags in given], np.uint64)[which]
            frame.put(column, np.where(is_set[which], numbers, frame.numpy(column)))
    has_label = np.array([tags.has_label for tags in given], bool)
    if has_label.any():
        labels = pl.Series("label", [tags.label for tags in given]).gather(which)
        is_set = pl.Series(has_label[which])
        told = frame.get("label")
        frame.put("label", pl.select(pl.when(is_set).then(labels).otherwise(told)).to_series())
    _apply_dscp(frame, dscp)
    sets_tos = np.array([tags.tos is not None for tags in given], bool)
    if sets_tos.any():
        tos = np.array([tags.tos or 0 for tags in given], np.uint8)[which]
        frame.put("tos", np.where(sets_tos[which], tos, frame.numpy("tos")))


def _apply_dscp(frame: Frame, dscp: bool) -> None:
    if dscp and frame.has("tos"):
        frame.put("tos", frame.numpy("tos") >> _DSCP_SHIFT)
    if dscp and frame.has("tunnel_tos"):
        frame.put("tunnel_tos", frame.numpy("tunnel_tos") >> _DSCP_SHIFT)
