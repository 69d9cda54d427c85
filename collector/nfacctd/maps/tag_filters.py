"""pre_tag_filter, pre_tag2_filter, pre_tag_label_filter: which records a plugin takes (5.3)."""

from collections.abc import Sequence

from collector.nfacctd.maps.tags import LABEL_SEPARATOR
from collector.nfacctd.maps.values import number
from collector.nfacctd.settings import LabelTerm, TagRange

_MAX_TAG = 0xFFFF_FFFF_FFFF_FFFF
_NO_LABEL = "null"


def read_tag_filter(text: str) -> tuple[TagRange, ...]:
    """Read ``100,200-300,-5,0``; 0 stands for records without a tag.

    Raises:
        ValueError: a term is none.
    """
    return tuple(_tag_range(term.strip()) for term in text.split(","))


def read_label_filter(text: str) -> tuple[LabelTerm, ...]:
    """Read ``blue,-red,null``; null stands for records without a label.

    Raises:
        ValueError: a term is empty.
    """
    return tuple(_label_term(term.strip()) for term in text.split(","))


def takes_tag(terms: Sequence[TagRange], tag: int) -> bool:
    """Tell whether a filter lets a record in; one without terms lets all in.

    Terms are tried from left to right until one decides. A negated one always does: nfacctd asks
    no further after ``-5``, so ``-5,-6`` takes 6.
    """
    return _decide([(term.first <= tag <= term.last, term.negated) for term in terms])


def takes_label(terms: Sequence[LabelTerm], label: str) -> bool:
    """Tell whether a filter lets a record in; one without terms lets all in.

    Args:
        label: of a record; several, joined with commas, each count.
    """
    labels = label.split(LABEL_SEPARATOR)
    return _decide([(term.label in labels, term.negated) for term in terms])


def _decide(terms: Sequence[tuple[bool, bool]]) -> bool:
    """Decide by (term fits, term is negated), as nfacctd does, whose order of terms matters."""
    for fits, negated in terms:
        if fits:
            return not negated
        if negated:
            return True
    return not terms


def _tag_range(term: str) -> TagRange:
    negated = term.startswith("-")
    low, dash, high = term.removeprefix("-").partition("-")
    first = number(low, _MAX_TAG)
    last = number(high, _MAX_TAG) if dash else first
    if dash and last <= first:
        raise ValueError(f"{term!r}: a range is LOW-HIGH")
    return TagRange(first, last, negated)


def _label_term(term: str) -> LabelTerm:
    negated = term.startswith("-")
    label = term.removeprefix("-")
    if not label:
        raise ValueError(f"{term!r} is no label")
    return LabelTerm("" if label == _NO_LABEL else label, negated)
