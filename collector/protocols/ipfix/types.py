"""Abstract data types of Information Elements (RFC 7011 section 6.1, RFC 7012 3.1, RFC 6313 4)."""

from enum import Enum


class AbstractType(Enum):
    """What the octets of an element mean; the values are the names in IANA's registry."""

    OCTET_ARRAY = "octetArray"
    UNSIGNED8 = "unsigned8"
    UNSIGNED16 = "unsigned16"
    UNSIGNED32 = "unsigned32"
    UNSIGNED64 = "unsigned64"
    UNSIGNED256 = "unsigned256"  # RFC 9740
    SIGNED8 = "signed8"
    SIGNED16 = "signed16"
    SIGNED32 = "signed32"
    SIGNED64 = "signed64"
    FLOAT32 = "float32"
    FLOAT64 = "float64"
    BOOLEAN = "boolean"
    MAC_ADDRESS = "macAddress"
    STRING = "string"
    DATE_TIME_SECONDS = "dateTimeSeconds"
    DATE_TIME_MILLISECONDS = "dateTimeMilliseconds"
    DATE_TIME_MICROSECONDS = "dateTimeMicroseconds"
    DATE_TIME_NANOSECONDS = "dateTimeNanoseconds"
    IPV4_ADDRESS = "ipv4Address"
    IPV6_ADDRESS = "ipv6Address"
    BASIC_LIST = "basicList"
    SUB_TEMPLATE_LIST = "subTemplateList"
    SUB_TEMPLATE_MULTI_LIST = "subTemplateMultiList"


UNSIGNED = frozenset(
    {
        AbstractType.UNSIGNED8,
        AbstractType.UNSIGNED16,
        AbstractType.UNSIGNED32,
        AbstractType.UNSIGNED64,
    }
)
SIGNED = frozenset(
    {
        AbstractType.SIGNED8,
        AbstractType.SIGNED16,
        AbstractType.SIGNED32,
        AbstractType.SIGNED64,
    }
)
LISTS = frozenset(
    {
        AbstractType.BASIC_LIST,
        AbstractType.SUB_TEMPLATE_LIST,
        AbstractType.SUB_TEMPLATE_MULTI_LIST,
    }
)

_BY_NAME = {kind.value.lower(): kind for kind in AbstractType}


def type_named(name: str) -> AbstractType | None:
    """Find a type by its registry name; None for an unknown one.

    Vendors' registries differ in case (``ipv6address``), and leave it out where nobody said: such
    an element is an octetArray.
    """
    return _BY_NAME.get(name.strip().lower()) if name.strip() else AbstractType.OCTET_ARRAY
