"""BPF maps by the bpf(2) system call: tables that the kernel's programs and we share."""

import ctypes
import mmap
import os
import platform
import struct
from collections.abc import Iterable, Mapping

from collector.errors import SteeringError

_MAP_CREATE, _MAP_UPDATE_ELEM, _MAP_DELETE_ELEM = 0, 2, 3
_HASH, _ARRAY, _LPM_TRIE, _REUSEPORT_SOCKARRAY = 1, 2, 11, 20
_NO_PREALLOC, _MMAPABLE = 1 << 0, 1 << 10

# union bpf_attr of linux/bpf.h
_CREATE = struct.Struct("=5I8x16s")  # type, key and value octets, entries, flags, name
_ELEMENT = struct.Struct("=I4xQQQ")  # map fd, pointers to key and value, flags

# Kernel architectures with the generic table have 280.
_SYSTEM_CALL = {"x86_64": 321, "i686": 357, "armv7l": 386, "ppc64le": 361, "s390x": 351}
_GENERIC_SYSTEM_CALL = 280

_libc = ctypes.CDLL(None, use_errno=True)


class KeyedMap:
    """A hash map or trie, whose entries are octets; remembers what it holds.

    Raises:
        SteeringError: the kernel makes no map.
    """

    def __init__(self, map_type: int, name: str, key: int, value: int, entries: int) -> None:
        self._name, self._limit = name, entries
        self._held: dict[bytes, bytes] = {}
        self.fd = _create(map_type, name, key, value, entries, flags=_NO_PREALLOC)

    @classmethod
    def hash(cls, name: str, key: int, value: int, entries: int) -> "KeyedMap":
        """Make a map of whole keys; sizes in octets."""
        return cls(_HASH, name, key, value, entries)

    @classmethod
    def trie(cls, name: str, key: int, entries: int) -> "KeyedMap":
        """Make a set of prefixes: keys start with their length in bits, values are one octet."""
        return cls(_LPM_TRIE, name, key, 1, entries)

    def check_room(self, entries: Mapping[bytes, bytes]) -> None:
        """Raise SteeringError if `replace` would find the map too small."""
        # Old and new are held together for a moment, so that nobody is refused meanwhile.
        together = len(self._held.keys() | entries.keys())
        if together > self._limit:
            raise SteeringError(
                f"{len(entries)} {self._name}, {together} with those of before: the kernel's table"
                f" has room for {self._limit}"
            )

    def replace(self, entries: Mapping[bytes, bytes]) -> None:
        """Make the map hold exactly these entries: first write what is new, then delete."""
        self.check_room(entries)
        for key, value in entries.items():
            if self._held.get(key) != value:
                _change(_MAP_UPDATE_ELEM, self.fd, key, value)
                self._held[key] = value
        for key in self._held.keys() - entries.keys():
            _change(_MAP_DELETE_ELEM, self.fd, key)
            del self._held[key]

    def close(self) -> None:
        """Close our end; a program that uses the map keeps it."""
        os.close(self.fd)


class SharedArray:
    """An array of unsigned 64-bit integers in memory that we and the programs see: no system call.

    Raises:
        SteeringError: the kernel makes no map.
    """

    def __init__(self, name: str, entries: int) -> None:
        self.fd = _create(_ARRAY, name, 4, 8, entries, flags=_MMAPABLE)
        self._memory = mmap.mmap(self.fd, 8 * entries)
        self.values = memoryview(self._memory).cast("Q")

    def close(self) -> None:
        """Close our end; a program that uses the map keeps it."""
        self.values.release()
        self._memory.close()
        os.close(self.fd)


class SocketArray:
    """The sockets of one reuseport group that a program chooses from, by slot.

    Args:
        socket_fds: in slot order; all bound, TCP listening, and in no other such array.

    Raises:
        SteeringError: the kernel makes no map, or does not take a socket.
    """

    def __init__(self, socket_fds: Iterable[int]) -> None:
        fds = list(socket_fds)
        self.fd = _create(_REUSEPORT_SOCKARRAY, "sockets", 4, 8, len(fds))
        try:
            for slot, socket_fd in enumerate(fds):
                key, value = struct.pack("=I", slot), struct.pack("=Q", socket_fd)
                _change(_MAP_UPDATE_ELEM, self.fd, key, value)
        except SteeringError:
            self.close()
            raise

    def close(self) -> None:
        """Close our end; a program that uses the map keeps it."""
        os.close(self.fd)


def _create(map_type: int, name: str, key: int, value: int, entries: int, *, flags: int = 0) -> int:
    attributes = _CREATE.pack(map_type, key, value, entries, flags, name.encode())
    try:
        return _bpf(_MAP_CREATE, attributes)
    except PermissionError as error:
        raise SteeringError("eBPF needs root or the capability CAP_BPF (Linux 5.8)") from error
    except OSError as error:
        raise SteeringError(f"eBPF map of {name} not made: {error.strerror}") from error


def _change(command: int, fd: int, key: bytes, value: bytes = b"") -> None:
    key_octets, value_octets = ctypes.create_string_buffer(key), ctypes.create_string_buffer(value)
    # To delete, the kernel wants to see no value at all.
    value_at = ctypes.addressof(value_octets) if value else 0
    attributes = _ELEMENT.pack(fd, ctypes.addressof(key_octets), value_at, 0)
    try:
        _bpf(command, attributes)
    except OSError as error:
        raise SteeringError(f"eBPF map not written: {error.strerror}") from error


def _bpf(command: int, attributes: bytes) -> int:
    number = _SYSTEM_CALL.get(platform.machine(), _GENERIC_SYSTEM_CALL)
    octets = ctypes.create_string_buffer(attributes, len(attributes))
    result = _libc.syscall(number, command, octets, len(attributes))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result
