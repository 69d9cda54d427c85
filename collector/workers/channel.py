"""The channel between supervisor and worker: msgpack over a Unix socket pair.

Either end may *tell* (no answer) and *ask*: a question has an id, a deadline and can be cancelled;
its answer is a list of items that comes in chunks of at most 64 KiB, so that a long answer delays
nothing else on the channel.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable
from typing import Any

import msgpack

_CHUNK_OCTETS = 48 * 1024  # of items; with their frame a chunk stays below 64 KiB
_MAX_MESSAGE_OCTETS = 256 << 20
_MAX_UNSENT_OCTETS = 64 << 20

Teller = Callable[[str, Any], None]
Answerer = Callable[[str, Any], Iterable[Any]]

log = logging.getLogger(__name__)


class ChannelClosed(Exception):
    """The other end is gone."""


class Channel:
    """One end of the pair.

    Args:
        told: called with (kind, content) for what the other end tells.
        answer: called with (kind, content) for a question; gives the items of the answer, and may
            be a generator: the loop gets its turn between chunks.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        told: Teller,
        answer: Answerer,
    ) -> None:
        self._reader, self._writer = reader, writer
        self._told, self._answer = told, answer
        self._next_id = 0
        self._waiting: dict[int, asyncio.Queue[list[Any]]] = {}
        self._answering: dict[int, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Handle what comes until the other end is gone."""
        unpacker = msgpack.Unpacker(max_buffer_size=_MAX_MESSAGE_OCTETS, strict_map_key=False)
        try:
            while octets := await self._reader.read(_CHUNK_OCTETS):
                unpacker.feed(octets)
                for message in unpacker:
                    self._handle(message)
        except ConnectionError:
            pass
        finally:
            for task in self._answering.values():
                task.cancel()
            for queue in self._waiting.values():
                queue.put_nowait(["", None, True, "the other end is gone"])

    def tell(self, kind: str, content: Any) -> bool:
        """Send without asking for an answer; False where the other end does not read any more."""
        return self._send(["tell", kind, content])

    async def ask(self, kind: str, content: Any, timeout_s: float) -> list[Any]:
        """Ask, and wait for the whole answer.

        Raises:
            TimeoutError: no complete answer in time; the other end is told to stop.
            ChannelClosed: the other end is gone, or failed.
        """
        self._next_id += 1
        number = self._next_id
        queue = self._waiting[number] = asyncio.Queue()
        items: list[Any] = []
        try:
            if not self._send(["ask", kind, content, number]):
                raise ChannelClosed("the other end does not read")
            async with asyncio.timeout(timeout_s):
                while True:
                    _, chunk, last, error = await queue.get()
                    if error:
                        raise ChannelClosed(error)
                    items += chunk
                    if last:
                        return items
        except TimeoutError:
            self._send(["cancel", number])
            raise
        finally:
            del self._waiting[number]

    def close(self) -> None:
        """Close this end."""
        self._writer.close()

    async def room(self) -> None:
        """Wait until most of what was told is on its way."""
        with contextlib.suppress(ConnectionError):
            await self._writer.drain()

    async def finish(self) -> None:
        """Close this end when all that was told is on its way."""
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()

    def _send(self, message: list[Any]) -> bool:
        transport = self._writer.transport
        if transport.is_closing() or transport.get_write_buffer_size() > _MAX_UNSENT_OCTETS:
            return False
        self._writer.write(msgpack.packb(message))
        return True

    def _handle(self, message: list[Any]) -> None:
        match message:
            case ["tell", kind, content]:
                self._told(kind, content)
            case ["ask", kind, content, number]:
                task = asyncio.ensure_future(self._give_answer(kind, content, number))
                self._answering[number] = task
                task.add_done_callback(lambda _: self._answering.pop(number, None))
            case ["cancel", number]:
                if number in self._answering:
                    self._answering[number].cancel()
            case ["answer", *answer]:
                number = answer.pop()
                if number in self._waiting:
                    self._waiting[number].put_nowait(["", *answer])

    async def _give_answer(self, kind: str, content: Any, number: int) -> None:
        chunk: list[Any] = []
        size = 0
        error = None
        try:
            for item in self._answer(kind, content):
                chunk.append(item)
                size += len(msgpack.packb(item))
                if size >= _CHUNK_OCTETS:
                    self._send(["answer", chunk, False, None, number])
                    chunk, size = [], 0
                    await self._writer.drain()
        except ConnectionError:
            return  # nobody listens any more
        except (LookupError, TypeError, ValueError) as failure:
            error = f"{kind}: {failure!r}"
        self._send(["answer", chunk, True, error, number])
