"""Every key of nfacctd: what its value may be, where it goes, and what becomes of it here.

The rows are in `keys_flows`, `keys_bmp`, `keys_outputs` and `keys_elsewhere`; this is their form,
and how a key of a configuration file is found among them.
"""

from dataclasses import dataclass
from enum import Enum

from collector.nfacctd.read_values import Reader, words


class Treatment(Enum):
    """What becomes of a key; the value is how `--explain` begins to say it."""

    HONOURED = "honoured as"
    SUPERSEDED = "superseded because"
    NO_EFFECT = "no effect on the records:"
    NOT_SUPPORTED = "NOT SUPPORTED:"


class Scope(Enum):
    """Whether a key may, or must, be for one plugin."""

    GLOBAL = "global"  # KEY[PLUGIN] is taken as KEY, with a warning
    PLUGIN = "plugin"  # KEY is for all plugins and the core
    PLUGIN_ONLY = "plugin only"  # KEY alone is ignored, with a warning
    EITHER = "either"  # KEY is the core's, KEY[PLUGIN] is that plugin's own


class Feature(Enum):
    """What must be there for some keys to mean anything; the value says that it is not."""

    BMP = "bmp_daemon is not true"
    MSGLOG = "BMP events go nowhere"
    MSGLOG_KAFKA = "BMP events do not go to Kafka"
    DUMP = "no tables are dumped"
    DUMP_KAFKA = "tables are not dumped to Kafka"
    MSGLOG_AVRO = "BMP events do not have the form of Avro"
    DUMP_AVRO = "dumps do not have the form of Avro"
    KAFKA = "there is no kafka plugin"
    AVRO = "records do not have the form of Avro"
    PRINT = "there is no print plugin"
    PLUGIN = "there is no plugin whose records we make"
    GEO = "aggregate has no primitive that needs it"
    ROUTES = "no flow is joined with routes: nfacctd_as is neither bmp nor longest"


@dataclass(frozen=True, slots=True)
class Key:
    """One key.

    Attributes:
        field: where the value goes, OWNER.ATTRIBUTE, the owners being those of `read_settings`;
            "" where nobody needs it. Keys of one field are one key to nfacctd.
        told: completes the treatment to a sentence; ``{value}`` is replaced.
        needs: without it the key has no effect, whatever its treatment.
        off: values, in lower case, with which a key that is not supported has no effect.
    """

    name: str
    treatment: Treatment
    told: str
    read: Reader = words
    field: str = ""
    scope: Scope = Scope.GLOBAL
    needs: Feature | None = None
    off: frozenset[str] = frozenset({"false", "0"})


@dataclass(frozen=True, slots=True)
class Family:
    """Keys that begin alike and have no effect, all for one reason."""

    prefix: str
    told: str


class KeyTable:
    """All keys by name, by other names, and by family."""

    def __init__(
        self,
        keys: tuple[Key, ...],
        other_names: dict[str, str],
        other_prefixes: dict[str, str],
        families: tuple[Family, ...],
    ) -> None:
        self._keys = {key.name: key for key in keys}
        self._other_names = other_names
        self._other_prefixes = other_prefixes
        self._families = families

    def names(self) -> tuple[str, ...]:
        """All names but those of families and other names."""
        return tuple(self._keys)

    def readers(self) -> dict[str, Reader]:
        """Give the reader of each field that a key sets; the first of those that share one."""
        rows = reversed(self._keys.values())
        return {key.field: key.read for key in rows if key.field}

    def find(self, name: str) -> Key | None:
        """Find the key of a name; None where nfacctd has no such key."""
        name = self._other_names.get(name, name)
        if name in self._keys:
            return self._keys[name]
        for prefix, usual in self._other_prefixes.items():
            if name.startswith(prefix) and (found := self._keys.get(usual + name[len(prefix) :])):
                return found
        for family in self._families:
            if name.startswith(family.prefix):
                return Key(name, Treatment.NO_EFFECT, family.told, read=str, scope=Scope.PLUGIN)
        return None
