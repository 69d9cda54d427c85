"""What the Kafka library logs: remember why connections fail, forward the rest sparingly."""

import logging

_log = logging.getLogger(__name__)
_REPEAT_S = 60.0
# Logged as an error whenever a topic is used first: the broker is just making it.
_HARMLESS = "Topic %s not found in cluster metadata"


class LibraryLog(logging.Handler):
    """Handler of the library's loggers.

    The library says why it could not connect only in its log: "Unable to bootstrap" is all that
    its exception tells. And during an outage it repeats itself ten times a second.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._failures: dict[str, BaseException] = {}
        self._last_s: dict[str, float] = {}

    def attach(self, name: str) -> None:
        """Take over the logger of that name and all below it; any number of times."""
        logger = logging.getLogger(name)
        logger.addHandler(self)
        logger.propagate = False

    def emit(self, record: logging.LogRecord) -> None:
        """Remember a failed connection; forward another message once a minute."""
        match record.args:
            case (host, port, BaseException() as error):
                self._failures[f"{host}:{port}"] = error
                return
        if record.msg == _HARMLESS:
            return
        # By the text before its arguments: those differ each time. The library has some hundred.
        if record.created - self._last_s.get(str(record.msg), -_REPEAT_S) >= _REPEAT_S:
            self._last_s[str(record.msg)] = record.created
            _log.log(record.levelno, "kafka client: %s", record.getMessage())

    def take_failures(self) -> dict[str, BaseException]:
        """Return what failed since the last call, by "host:port"."""
        failures, self._failures = self._failures, {}
        return failures
