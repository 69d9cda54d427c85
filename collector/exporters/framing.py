"""Messages in a byte stream (a file, a pipe): lines of JSON, or self-delimiting ones as they are.

msgpack maps and Arrow IPC streams say where they end, so a file of them is simply one after the
other: read maps with ``msgpack.Unpacker``, Arrow streams with one reader after another.
"""

from collector.pipeline.batch import Batch


def framed(batch: Batch, lines: bool) -> bytes:
    """Join the payloads of a batch; with ``lines`` each ends with a newline."""
    payloads = [payload for _, payload in batch.messages]
    if not lines or not payloads:
        return b"".join(payloads)
    payloads.append(b"")
    return b"\n".join(payloads)
