"""Datagrams sent by sendmmsg, each from a source address of its own: a wake-up costs one call."""

import ctypes
import os
import socket

import numpy as np
from numpy.typing import NDArray

_libc = ctypes.CDLL(None, use_errno=True)
_AT_ONCE = 1_024  # the kernel takes no more in one call (UIO_MAXIOV)

# struct mmsghdr and struct iovec of 64-bit Linux; padding is part of the field before it.
_MESSAGE = np.dtype(
    [
        *(("name", "u8"), ("name_octets", "u8"), ("parts", "u8"), ("part_count", "u8")),
        *(("control", "u8"), ("control_octets", "u8"), ("flags", "u8"), ("sent", "u8")),
    ]
)
_PART = np.dtype([("base", "u8"), ("octets", "u8")])
# struct cmsghdr with struct in_pktinfo, whose second field is the source to send from.
_CONTROL = np.dtype(
    [
        *(("octets", "u8"), ("level", "i4"), ("type", "i4")),
        *(("interface", "i4"), ("source", ">u4"), ("destination", "u4"), ("padding", "u4")),
    ]
)
_IP_PKTINFO = 8


class Burst:
    """Datagrams of equal length, laid out for the kernel once.

    Args:
        datagrams: shape (n, octets), uint8.
        sources: shape (n,), IPv4 addresses of this machine, as integers.
    """

    def __init__(self, datagrams: NDArray[np.uint8], sources: NDArray[np.uint32]) -> None:
        count, octets = datagrams.shape
        self._datagrams = np.ascontiguousarray(datagrams)
        distinct, number = np.unique(sources, return_inverse=True)
        self._controls = np.zeros(len(distinct), _CONTROL)
        self._controls["octets"] = _CONTROL.itemsize - 4  # the padding is not counted
        self._controls["level"], self._controls["type"] = socket.IPPROTO_IP, _IP_PKTINFO
        self._controls["source"] = distinct
        self._parts = np.zeros(count, _PART)
        rows = np.arange(count, dtype=np.uint64)
        self._parts["base"] = self._datagrams.ctypes.data + rows * octets
        self._parts["octets"] = octets
        self._messages = np.zeros(count, _MESSAGE)
        self._messages["parts"] = self._parts.ctypes.data + rows * _PART.itemsize
        self._messages["part_count"] = 1
        self._messages["control"] = self._controls.ctypes.data + number * _CONTROL.itemsize
        self._messages["control_octets"] = _CONTROL.itemsize

    def __len__(self) -> int:
        return len(self._messages)

    def send(self, sock: socket.socket, start: int, stop: int) -> None:
        """Send a range of them over a connected socket that blocks.

        Raises:
            OSError: the kernel took none.
        """
        first = self._messages.ctypes.data
        while start < stop:
            where = ctypes.c_void_p(first + start * _MESSAGE.itemsize)
            sent = _libc.sendmmsg(sock.fileno(), where, min(stop - start, _AT_ONCE), 0)
            if sent < 0:
                number = ctypes.get_errno()
                raise OSError(number, os.strerror(number))
            start += sent
