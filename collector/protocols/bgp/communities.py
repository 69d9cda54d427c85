"""Communities as text: RFC 1997, RFC 4360, RFC 8092."""


def community_text(value: int) -> str:
    """Write a community of 32 bits as "64512:1"; well-known ones too (RFC 1997)."""
    return f"{value >> 16}:{value & 0xFFFF}"


def large_community_text(value: tuple[int, int, int]) -> str:
    """Write a large community as "64512:1:2" (RFC 8092 section 5)."""
    return ":".join(map(str, value))


def extended_community_text(octets: bytes) -> str:
    """Write an extended community as 16 hex digits: its types are too many to be guessed at."""
    return octets.hex()
