"""What pre_tag_map and bmp_daemon_tag_map give: tags, label, TOS (reference 1.2, 5.4)."""

from dataclasses import dataclass

LABEL_SEPARATOR = ","  # between labels that several rules gave
_MAX_TAG = 0xFFFF_FFFF_FFFF_FFFF


@dataclass(frozen=True, slots=True)
class Tags:
    """The tags of a flow; what no rule has set stays as the device sent it.

    ``copies`` are the tags with which the flow is handed out before these, by ``return=true``.
    """

    tag: int = 0
    tag2: int = 0
    label: str = ""
    tos: int | None = None
    has_tag: bool = False
    has_tag2: bool = False
    has_label: bool = False
    copies: tuple["Tags", ...] = ()


UNTAGGED = Tags()


def read_tag(text: str) -> "TagValue":
    """Read ``N``, or ``N++`` for a tag that grows by one with every flow.

    Raises:
        ValueError: it is neither.
    """
    from_ = text.removesuffix("++")
    if not (from_.isascii() and from_.isdigit()) or len(from_) > 20 or int(from_) > _MAX_TAG:
        raise ValueError(f"{text!r} is no tag from 0 to {_MAX_TAG}")
    return TagValue(int(from_), from_ != text)


@dataclass(frozen=True, slots=True)
class TagValue:
    """A tag that a rule sets."""

    number: int
    grows: bool = False


def wrapped(tag: int) -> int:
    """Keep a sum of tags in nfacctd's 64 bits."""
    return tag & _MAX_TAG
