"""Times as text (reference 1.4)."""

from collections.abc import Callable
from datetime import UTC, datetime

from collector.nfacctd.settings import Timestamps

_SECOND_US = 1_000_000
_NO_TIME = "0000-00-00{}00:00:00"
_LAST_S = 253_402_300_799 - 86_400  # what `datetime` can still say, in any time zone

Stamp = Callable[[int], str]


def stamp_writer(timestamps: Timestamps, *, fraction: bool = True) -> Stamp:
    """Make a function that writes microseconds UTC; without ``fraction``, seconds.

    Zero is no time: it has a text of its own. The microseconds of a configuration that wants none
    are zeros already, but they are written.
    """

    def of_epoch(time_us: int) -> str:
        seconds, micros = divmod(time_us, _SECOND_US)
        return f"{seconds}.{micros:06d}" if fraction else str(seconds)

    def of_date(time_us: int) -> str:
        seconds, micros = divmod(time_us, _SECOND_US)
        separator = "T" if timestamps.rfc9557 else " "
        if seconds == 0:
            text, offset = _NO_TIME.format(separator), "+00:00"
        else:
            utc = datetime.fromtimestamp(min(max(seconds, 0), _LAST_S), UTC)
            moment = utc if timestamps.utc else utc.astimezone()
            text = moment.strftime(f"%Y-%m-%d{separator}%H:%M:%S")
            offset = moment.isoformat()[-6:]
        if fraction:
            text += f".{micros:06d}"
        return text + offset if timestamps.rfc9557 else text

    return of_epoch if timestamps.since_epoch else of_date
