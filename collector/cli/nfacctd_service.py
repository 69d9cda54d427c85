"""The service in nfacctd's place: the supervisor as it is, with workers that are nfacctd."""

import signal

import uvloop

from collector.nfacctd.native import to_native
from collector.nfacctd.settings import RunOptions, Settings, to_document
from collector.workers.supervisor import Supervisor

# What nfacctd's signals mean to the workers; SIGINT and SIGTERM purge and end as they do natively.
_FORWARDED = {
    signal.SIGUSR1: "statistics",
    signal.SIGUSR2: "maps",
    signal.SIGHUP: "log_files",
}


def run(settings: Settings, options: RunOptions) -> int:
    """Run until told to stop; give the exit status.

    Raises:
        SteeringError: a socket cannot be opened, or the rung asked for is refused.
    """
    documents = {"settings": to_document(settings), "options": to_document(options)}

    async def serve() -> int:
        config = to_native(settings, options)
        return await Supervisor(config, nfacctd=documents, forwarded=_FORWARDED).run()

    return uvloop.run(serve())
