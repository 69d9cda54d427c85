"""Labels as maps: `pre_tag_label_encode_as_map` (reference 1.4)."""

_MAX_PAIRS = 128
_MAX_WORD = 127  # characters, the mark of a cut included
_CUT = "$"


def label_map(label: str) -> dict[str, str]:
    """Read "nkey%r1,pkey%x" as {"nkey": "r1", "pkey": "x"}; an empty label is an empty map.

    Args:
        label: pairs separated by commas, key and value by a percent sign. Pairs past the 128th
            are left out, and words that are too long cut.
    """
    pairs = label.split(",")[:_MAX_PAIRS] if label else []
    return {_word(key): _word(value) for key, _, value in (pair.partition("%") for pair in pairs)}


def _word(text: str) -> str:
    return text if len(text) <= _MAX_WORD else text[: _MAX_WORD - 1] + _CUT
