"""What the options data of one exporter say, in nfacctd's scopes (reference 2.4).

Options of the whole system (a field of IE 1, or the scope System) stand for the exporter; all
others for the observation domain that sent them, and for no other. `ExporterOptions` of the native
mode is more generous. It is learnt from in the same way, and restored in a successor.
"""

from collections.abc import Callable, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address

from collector.metrics import Counters, register

register(nfacctd_options_refused="options data of an exporter whose tables are full")

MAX_ENTRIES = 65_536  # of one exporter
_MAX_NAME = 31  # characters of a VRF's or an interface's name
_MAX_CLASS = 15
_SYSTEM = ("octetDeltaCount", "scopeSystem")  # IE 1, and NetFlow v9's scope 1
_EXPORTER = None  # in place of a domain

_Record = Mapping[str, object]


class NfacctdOptions:
    """Tables of one exporter; ``revision`` grows whenever one changes.

    Args:
        scope_check: False for `nfacctd_disable_opt_scope_check`: all options are the exporter's.
        before_change: called before something changes: flows that came earlier are to be looked up
            in what was known then.
    """

    def __init__(
        self,
        *,
        scope_check: bool = True,
        before_change: Callable[[], None] = lambda: None,
        counters: Counters | None = None,
        max_entries: int = MAX_ENTRIES,
    ) -> None:
        self.revision = 0
        self.exporter_ipv4_address: str | None = None
        self.exporter_ipv6_address: str | None = None
        self._scope_check = scope_check
        self._before_change = before_change
        self._counters = Counters() if counters is None else counters
        self._max_entries = max_entries
        self._table: dict[tuple[str, int | None, int], object] = {}
        # By domain: ids of samplers, in the order in which they came.
        self._samplers: dict[int | None, dict[int, int]] = {}

    def learn(self, domain: int, scope: _Record, fields: _Record) -> None:
        """Take one options record.

        Args:
            domain: observation domain id of its message.
            scope: its scope fields, element name to JSON-ready value.
            fields: its other fields.
        """
        record = {name: _last(value) for name, value in {**scope, **fields}.items()}
        is_system = any(name in record for name in _SYSTEM)
        where = _EXPORTER if is_system or not self._scope_check else domain
        self._learn_sampler(where, scope, record)
        self._learn_vrf(where, record)
        self._learn_interface(where, record)
        self._learn_application(where, record)
        self._learn_address(where, record)

    def sampling_rate(self, domain: int, sampler: int | None) -> int | None:
        """Tell at which rate packets were sampled; None: not known.

        Args:
            domain: of the flow.
            sampler: that the flow names. One that names none, or 0, has the rate of whichever
                sampler its domain told last, or of the only one that the exporter has.
        """
        told = self._samplers.get(domain, {})
        of_exporter = self._samplers.get(_EXPORTER, {})
        wanted = sampler or 0
        if wanted in told:
            return told[wanted]
        if wanted == 0 and told:
            return next(reversed(told.values()))
        if wanted in of_exporter or sampler is not None:
            return of_exporter.get(wanted)
        if of_exporter:
            return next(reversed(of_exporter.values()))
        every = [rate for table in self._samplers.values() for rate in table.values()]
        return every[0] if len(every) == 1 else None

    def route_distinguisher(self, direction: str, domain: int, vrf_id: int) -> int | None:
        """Find the route distinguisher, as a number of 8 octets, of a VRF id.

        Args:
            direction: "ingress" or "egress": ids of either are told apart.
            domain: of the flow.
            vrf_id: of the flow.
        """
        return self._get(f"{direction} rd", domain, vrf_id)

    def vrf_name(self, domain: int, vrf_id: int) -> str:
        """Find the name of a VRF; "" where nobody said it."""
        return self._get("vrf", domain, vrf_id) or ""

    def interface_name(self, domain: int, interface: int) -> str:
        """Find the name of an interface; "" where nobody said it."""
        return self._get("interface", domain, interface) or ""

    def application_name(self, domain: int, application: int) -> str:
        """Find the name of an application by its id without the engine; "" if nobody said it."""
        return self._get("application", domain, application) or ""

    def exporter_address(self, domain: int) -> str | None:
        """Tell what the exporter calls itself in a domain; options of its system do not count."""
        return self._table.get(("address", domain, 0))

    def system_init_time_ms(self, _: int) -> None:
        """Tell nothing: nfacctd takes no times from options data (reference 2.5)."""
        return

    def _get(self, kind: str, domain: int, key: int) -> object:
        value = self._table.get((kind, domain, key))
        return self._table.get((kind, _EXPORTER, key)) if value is None else value

    def _put(self, kind: str, where: int | None, key: int, value: object) -> None:
        entry = (kind, where, key)
        known = self._table.get(entry)
        if known == value:
            return
        if known is None and len(self._table) >= self._max_entries:
            self._counters.add("nfacctd_options_refused")
            return
        self._before_change()
        self._table[entry] = value
        self.revision += 1

    def _learn_sampler(self, where: int | None, scope: _Record, record: _Record) -> None:
        rate = _rate(record)
        if rate is None:
            return
        # The first of these; in IPFIX the id of the template it is about stands in for a sampler's.
        template = scope.get("templateId") if where is not _EXPORTER else None
        ids = (record.get("samplerId"), record.get("selectorId"), template)
        sampler = next((found for found in ids if isinstance(found, int)), 0)
        table = self._samplers.setdefault(where, {})
        if sampler not in table and sum(map(len, self._samplers.values())) >= self._max_entries:
            self._counters.add("nfacctd_options_refused")
        elif table.get(sampler) != rate:
            self._before_change()
            table[sampler] = rate
            self.revision += 1

    def _learn_vrf(self, where: int | None, record: _Record) -> None:
        ingress, egress = record.get("ingressVRFID"), record.get("egressVRFID")
        distinguisher = _octets(record.get("mplsVpnRouteDistinguisher"))
        if isinstance(ingress, int) and len(distinguisher) == 8:
            value = int.from_bytes(distinguisher)
            for direction, vrf_id in (("ingress", ingress), ("egress", egress)):
                if isinstance(vrf_id, int) and vrf_id:
                    self._put(f"{direction} rd", where, vrf_id, value)
        name = record.get("VRFname")
        if isinstance(ingress, int) and isinstance(name, str):
            self._put("vrf", where, ingress, name[:_MAX_NAME])

    def _learn_interface(self, where: int | None, record: _Record) -> None:
        interface, name = record.get("ingressInterface"), record.get("interfaceName")
        if isinstance(interface, int) and isinstance(name, str):
            self._put("interface", where, interface, name[:_MAX_NAME])

    def _learn_application(self, where: int | None, record: _Record) -> None:
        application = _octets(record.get("applicationId"))
        name = record.get("applicationName")
        if 2 <= len(application) <= 8 and isinstance(name, str):
            self._put("application", where, int.from_bytes(application[1:]), name[:_MAX_CLASS])

    def _learn_address(self, where: int | None, record: _Record) -> None:
        ipv4 = _address(record.get("exporterIPv4Address"), IPv4Address)
        ipv6 = _address(record.get("exporterIPv6Address"), IPv6Address)
        self.exporter_ipv4_address = ipv4 or self.exporter_ipv4_address
        self.exporter_ipv6_address = ipv6 or self.exporter_ipv6_address
        if ipv4 or ipv6:
            self._put("address", where, 0, ipv4 or ipv6)


def _last(value: object) -> object:
    """Take the last of a field that comes more than once."""
    return value[-1] if isinstance(value, list) and value else value


def _rate(record: _Record) -> int | None:
    """Read a sampling rate; None where the record is not about sampling."""

    def told(name: str) -> int | None:
        value = record.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    interval, random = told("samplingInterval"), told("samplerRandomInterval")
    every, space = told("samplingPacketInterval"), told("samplingPacketSpace")
    size, population = told("samplingSize"), told("samplingPopulation")
    about = (told("samplerId"), interval, every, size)
    if all(value is None for value in about):
        return None
    if random is not None:
        return random
    if every is not None and space is not None:
        return (every + space) // every if every else 0
    if size is not None and population is not None:
        return population // size if size else 0
    return interval or 0


def _octets(value: object) -> bytes:
    try:
        return bytes.fromhex(value) if isinstance(value, str) else b""
    except ValueError:
        return b""


def _address(value: object, kind: type) -> str | None:
    """Read an address in canonical text; None where it is none, or all zeros."""
    try:
        address = ip_address(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return str(address) if isinstance(address, kind) and int(address) else None
