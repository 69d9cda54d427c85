"""Times in BMP records: always with microseconds, whatever `timestamps_secs` says (reference 1.4).

Routers tell microseconds and nfacctd passes them on; only the slot of a dump has none.
"""

from datetime import UTC, datetime
from functools import lru_cache

from collector.nfacctd.settings import Timestamps


def time_text(time_us: int, style: Timestamps) -> str:
    """Write a moment, microseconds since 1970; 0 is unknown, and written as zeros."""
    seconds, microseconds = divmod(time_us, 1_000_000)
    if style.since_epoch:
        return f"{seconds}.{microseconds:06d}"
    date, zone = _date(seconds, style)
    return f"{date}.{microseconds:06d}{zone}"


def slot_text(time_s: int, style: Timestamps) -> str:
    """Write the time slot of a dump: whole seconds, without a fraction."""
    return str(time_s) if style.since_epoch else "".join(_date(time_s, style))


@lru_cache(maxsize=1024)  # a table load has the same second again and again
def _date(seconds: int, style: Timestamps) -> tuple[str, str]:
    """Date and time of day, and the offset where the style has one."""
    separator = "T" if style.rfc9557 else " "
    if not seconds:
        return f"0000-00-00{separator}00:00:00", ""
    moment = datetime.fromtimestamp(seconds, UTC)
    if not style.utc:
        moment = moment.astimezone()
    date = moment.strftime(f"%Y-%m-%d{separator}%H:%M:%S")
    return date, moment.isoformat()[-6:] if style.rfc9557 else ""
