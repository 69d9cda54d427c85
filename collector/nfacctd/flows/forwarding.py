"""Texts of forwardingStatus (`fwd_status_encode_as_string`, reference 1.4; RFC 7270 4.12)."""

_CLASSES = ("UNKNOWN", "FORWARDED", "DROPPED", "CONSUMED")
_REASONS = {
    64: "Unknown",
    65: "Fragmented",
    66: "Not Fragmented",
    128: "Unknown",
    129: "ACL deny",
    130: "ACL drop",
    131: "Unroutable",
    132: "Adjacency",
    133: "Fragmentation and DF set",
    134: "Bad header checksum",
    135: "Bad total Length",
    136: "Bad header length",
    137: "bad TTL",
    138: "Policer",
    139: "WRED",
    140: "RPF",
    141: "For us",
    142: "Bad output interface",
    143: "Hardware",
    192: "Unknown",
    193: "Punt Adjacency",
    194: "Incomplete Adjacency",
    195: "For us",
}

STATUS_NUMBERS = [str(status) for status in range(256)]
STATUS_TEXTS = [
    f"{_CLASSES[status >> 6]} {_REASONS.get(status, 'Unclassified')}" for status in range(256)
]
