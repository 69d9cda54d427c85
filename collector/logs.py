"""Where log lines go: standard error, with time, level and the process they come from."""

import logging
import sys
import time


def configure_logging(level: str, process: str) -> None:
    """Send log lines of this process to standard error.

    Args:
        level: "debug", "info", "warning" or "error".
        process: how lines name this process.
    """
    handler = logging.StreamHandler(sys.stderr)
    formatter = logging.Formatter(
        f"%(asctime)s.%(msecs)03dZ %(levelname)s {process}: %(message)s", "%Y-%m-%dT%H:%M:%S"
    )
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
