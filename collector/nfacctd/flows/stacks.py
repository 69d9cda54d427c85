"""MPLS label stacks and SRv6 segment lists (reference 1.2, rows 29, 30, 39).

A stack is held as numbers, so that equal stacks are equal rows: three labels in each of four
words, the first in the lowest 20 bits, and how many there are in the upper 4 bits of the first.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from collector.nfacctd.flows.fields import FRAME_SECTIONS, Fields, Reading, Step
from collector.nfacctd.flows.frame_section import Frames

_LABELS = range(70, 80)
_BOTTOM_LABELS = range(70, 79)
_LABEL_BITS, _LABELS_A_WORD = 20, 3
_DEPTH_SHIFT = 60
_LABEL_OCTETS = 3
_SEGMENTS = ((497, 0), (505, 2011))
_SEGMENT_OCTETS = 16

_Numbers = NDArray[np.uint64]


def plan_stacks(fields: Fields, needs: frozenset[str]) -> Iterator[Step]:
    """Make the steps of label columns and of ``srv6_seg_ipv6_list``."""
    indices = [
        index
        for element in _LABELS
        if fields.has_length(index := fields.last(element), (_LABEL_OCTETS,))
    ]
    has_frames = fields.has(*FRAME_SECTIONS)
    if "mpls_label_stack" in needs and (indices or has_frames):
        yield _stack_step(indices, fields, has_frames)
    top = fields.last(_LABELS[0])
    if "mpls_label_top" in needs:
        if fields.has_length(top, (_LABEL_OCTETS,)):
            yield _top_step(top)
        elif has_frames:
            yield _frame_label_step("mpls_label_top", 0)
    if "mpls_label_bottom" in needs and (indices or has_frames):
        bottoms = [i for i in indices if fields.order[i][1] in _BOTTOM_LABELS]
        yield _bottom_step(bottoms, has_frames)
    for element, pen in _SEGMENTS:
        index = fields.first(element, pen)
        if "srv6_seg_ipv6_list" in needs and index is not None:
            yield _segments_step(index)
            return


def unpack_labels(words: tuple[int, ...]) -> list[int]:
    """Read the labels of one stack from its words."""
    depth = words[0] >> _DEPTH_SHIFT
    mask = (1 << _LABEL_BITS) - 1
    return [
        words[n // _LABELS_A_WORD] >> _LABEL_BITS * (n % _LABELS_A_WORD) & mask
        for n in range(depth)
    ]


def _pack(reading: Reading, labels: list[_Numbers], depth: _Numbers) -> None:
    """Add the words of stacks; labels at or beyond their depth do not count."""
    for word in range((len(labels) + _LABELS_A_WORD - 1) // _LABELS_A_WORD or 1):
        packed = depth << np.uint64(_DEPTH_SHIFT) if word == 0 else np.zeros_like(depth)
        for place in range(_LABELS_A_WORD):
            number = word * _LABELS_A_WORD + place
            if number < len(labels):
                label = np.where(depth > number, labels[number], np.uint64(0))
                packed |= label << np.uint64(_LABEL_BITS * place)
        reading.columns[f"mpls_label_stack.{word}"] = packed


def _stack_step(indices: list[int], fields: Fields, has_frames: bool) -> Step:
    starts_at_top = bool(indices) and fields.order[indices[0]][1] == _LABELS[0]

    def step(reading: Reading) -> None:
        entries = [reading.number(index).astype(np.uint64) for index in indices]
        labels = [entry >> np.uint64(4) for entry in entries]
        depth = np.zeros(reading.rows, np.uint64)
        is_open = np.ones(reading.rows, bool)
        for number, (entry, label) in enumerate(zip(entries, labels, strict=True)):
            taken = is_open & (label != 0)
            if number == 0 and starts_at_top:
                taken |= _is_explicit_null(entries, labels)
            depth += taken
            # A label of zero ends the stack, as does the bottom; the first one may be a real zero.
            is_open &= taken & ((entry & np.uint64(1)) == 0)
        if has_frames:  # they stand in where fields give no label
            depth = _with_frames(reading.frames, labels, depth)
        _pack(reading, labels, depth)

    return step


def _is_explicit_null(entries: list[_Numbers], labels: list[_Numbers]) -> NDArray[np.bool_]:
    """Tell the stacks that begin with label 0 (RFC 3032 section 2.1), and are not just empty."""
    followed = labels[1] != 0 if len(labels) > 1 else False
    return (labels[0] == 0) & (((entries[0] & np.uint64(1)) != 0) | followed)


def _with_frames(frames: Frames, labels: list[_Numbers], depth: _Numbers) -> _Numbers:
    """Put the stacks of frames in place of empty ones; give the depths."""
    empty = depth == 0
    depths = frames.depths()
    for number in range(int(depths.max(initial=0))):
        of_frames = frames.label(number)
        if number < len(labels):
            labels[number] = np.where(empty, of_frames, labels[number])
        else:
            labels.append(of_frames)
    return np.where(empty, depths, depth)


def _top_step(index: int) -> Step:
    def step(reading: Reading) -> None:
        reading.columns["mpls_label_top"] = (reading.number(index) >> 4).astype(np.uint32)

    return step


def _frame_label_step(column: str, number: int) -> Step:
    def step(reading: Reading) -> None:
        reading.columns[column] = reading.frames.label(number).astype(np.uint32)

    return step


def _bottom_step(indices: list[int], has_frames: bool) -> Step:
    def step(reading: Reading) -> None:
        bottom = np.zeros(reading.rows, np.uint32)
        found = np.zeros(reading.rows, bool)
        for index in indices:
            entry = reading.number(index).astype(np.uint32)
            is_bottom = ((entry & 1) != 0) & ~found
            bottom = np.where(is_bottom, entry >> 4, bottom)
            found |= is_bottom
        if has_frames:
            bottom = np.where(bottom == 0, reading.frames.label(-1).astype(np.uint32), bottom)
        reading.columns["mpls_label_bottom"] = bottom

    return step


def _segments_step(index: int) -> Step:
    def step(reading: Reading) -> None:
        reading.columns["srv6_seg_ipv6_list"] = [
            octets if len(octets) % _SEGMENT_OCTETS == 0 else b""
            for octets in reading.octets(index)
        ]

    return step
