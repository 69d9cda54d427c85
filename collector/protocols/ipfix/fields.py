"""Field Specifiers: one field of a template as announced (RFC 7011 section 3.2)."""

from typing import NamedTuple

VARIABLE = 65535  # Field Length of a variable-length field, RFC 7011 section 7
V9_SCOPE = -1  # in place of an enterprise number: the id is a NetFlow v9 scope (RFC 3954, 6.1)


class FieldSpecifier(NamedTuple):
    """One field of a template, and all that its layout needs to know of it.

    ``pen`` is 0 for IANA's elements and for NetFlow v9 types, the enterprise number for others, and
    ``V9_SCOPE`` for the scopes of NetFlow v9 (id 1 System .. 5 Template). ``length`` counts octets;
    ``VARIABLE`` in IPFIX means that each value brings its own length.
    """

    pen: int
    id: int
    length: int
    scope: bool = False
