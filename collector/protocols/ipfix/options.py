"""What the options data of one exporter say of itself: sampling, names, VRFs, clock, addresses.

Options records arrive as `Layout.rows` makes them, element name to JSON-ready value. Their scope
says what a record is about; exporters put the id now there, now among the other fields, so an id is
taken from either.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from collector.metrics import Counters, register
from collector.protocols.ipfix.sampling import Rate, SamplingRates, interface_of, number
from collector.protocols.ipfix.scoped_table import ScopedTable

register(flow_options_refused="options data of an exporter whose tables are full")

MAX_ENTRIES = 65536  # of one table
_MAX_TEXT = 255  # characters of a name
_MAX_APPLICATION_ID_OCTETS = 32  # RFC 6759 section 4: mostly 4, up to 20 with an enterprise number
_ROUTE_DISTINGUISHER_OCTETS = 8  # RFC 4364 section 4.2
_VRF_IDS = ("ingressVRFID", "egressVRFID")
_CLOCK_JITTER_MS = 500
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ExporterOptions:
    """Everything that one exporter's options data say; ``revision`` grows whenever that changes.

    ``interface_names`` and ``interface_descriptions`` are by ifIndex, ``vrf_names`` and
    ``route_distinguishers`` (8 octets) by VRF id, ``application_names`` by the octets of
    applicationId, ``system_init_time_ms`` (UTC) by observation domain. The ``exporter_...``
    addresses, canonical text, hint at the identity of the device.
    """

    def __init__(self, *, counters: Counters | None = None, max_entries: int = MAX_ENTRIES) -> None:
        self.revision = 0
        self.sampling = SamplingRates(max_entries)
        self.interface_names: ScopedTable[int, str] = ScopedTable(max_entries)
        self.interface_descriptions: ScopedTable[int, str] = ScopedTable(max_entries)
        self.vrf_names: ScopedTable[int, str] = ScopedTable(max_entries)
        self.route_distinguishers: ScopedTable[int, bytes] = ScopedTable(max_entries)
        self.application_names: ScopedTable[bytes, str] = ScopedTable(max_entries)
        self.init_times_ms: ScopedTable[None, int] = ScopedTable(max_entries)
        self.exporter_ipv4_address: str | None = None
        self.exporter_ipv6_address: str | None = None
        self._counters = Counters() if counters is None else counters
        self._refused_before = 0

    def learn(self, domain: int, scope: Mapping[str, object], fields: Mapping[str, object]) -> None:
        """Take one options record.

        Args:
            domain: observation domain id of its Message.
            scope: its scope fields, element name to JSON-ready value.
            fields: its other fields.
        """
        record = {**fields, **scope}
        # A record may be about another domain than the one that sends it; 0 is none in particular.
        domain = number(scope, "observationDomainId") or domain
        news = self.sampling.learn(domain, scope, record)
        news |= self._learn_interface(domain, record)
        news |= self._learn_vrf(domain, record)
        news |= self._learn_application(domain, record)
        news |= self._learn_init_time(domain, record)
        news |= self._learn_addresses(record)
        self.revision += news
        refused = self.refused
        if refused != self._refused_before:
            self._counters.add("flow_options_refused", refused - self._refused_before)
            self._refused_before = refused

    def sampling_rate(
        self,
        domain: int,
        selector_id: int | None = None,
        interface: int | None = None,
        template_id: int | None = None,
    ) -> Rate | None:
        """The rate at which flows were sampled; see `SamplingRates.rate`."""
        return self.sampling.rate(domain, selector_id, interface, template_id)

    def system_init_time_ms(self, domain: int) -> int | None:
        """When the exporter started, milliseconds since 1970 UTC; None where it did not say."""
        return self.init_times_ms.get(domain, None)

    @property
    def refused(self) -> int:
        """How many statements did not fit into their tables."""
        tables = (
            self.interface_names,
            self.interface_descriptions,
            self.vrf_names,
            self.route_distinguishers,
            self.application_names,
            self.init_times_ms,
        )
        return self.sampling.refused + sum(table.refused for table in tables)

    def _learn_interface(self, domain: int, record: Mapping[str, object]) -> bool:
        interface = interface_of(record)
        if interface is None:
            return False
        news = False
        if name := _text(record.get("interfaceName")):
            news |= self.interface_names.put(domain, interface, name)
        if description := _text(record.get("interfaceDescription")):
            news |= self.interface_descriptions.put(domain, interface, description)
        return news

    def _learn_vrf(self, domain: int, record: Mapping[str, object]) -> bool:
        name = _text(record.get("VRFname"))
        distinguisher = _octets(record.get("mplsVpnRouteDistinguisher"))
        news = False
        for vrf_id in {number(record, element) for element in _VRF_IDS} - {None}:
            if name:
                news |= self.vrf_names.put(domain, vrf_id, name)
            if len(distinguisher) == _ROUTE_DISTINGUISHER_OCTETS:
                news |= self.route_distinguishers.put(domain, vrf_id, distinguisher)
        return news

    def _learn_application(self, domain: int, record: Mapping[str, object]) -> bool:
        application_id = _octets(record.get("applicationId"))
        name = _text(record.get("applicationName"))
        if not name or not 0 < len(application_id) <= _MAX_APPLICATION_ID_OCTETS:
            return False
        return self.application_names.put(domain, application_id, name)

    def _learn_init_time(self, domain: int, record: Mapping[str, object]) -> bool:
        time_ms = _milliseconds(record.get("systemInitTimeMilliseconds"))
        if time_ms is None:
            return False
        known_ms = self.init_times_ms.of_domain.get((domain, None))
        # Routers work it out anew each time, a millisecond up or down; a restart takes longer.
        if known_ms is not None and abs(time_ms - known_ms) <= _CLOCK_JITTER_MS:
            return False
        return self.init_times_ms.put(domain, None, time_ms)

    def _learn_addresses(self, record: Mapping[str, object]) -> bool:
        before = self.exporter_ipv4_address, self.exporter_ipv6_address
        ipv4, ipv6 = record.get("exporterIPv4Address"), record.get("exporterIPv6Address")
        if isinstance(ipv4, str) and "." in ipv4 and ipv4 != "0.0.0.0":
            self.exporter_ipv4_address = ipv4
        if isinstance(ipv6, str) and ":" in ipv6 and ipv6 != "::":
            self.exporter_ipv6_address = ipv6
        return before != (self.exporter_ipv4_address, self.exporter_ipv6_address)


def _text(value: object) -> str | None:
    """A name; None where there is none. Cut: names are kept for as long as the exporter lives."""
    return value[:_MAX_TEXT] if isinstance(value, str) and value else None


def _octets(value: object) -> bytes:
    """Octets from their hex; none where that is not what ``value`` is."""
    if not isinstance(value, str):
        return b""
    try:
        return bytes.fromhex(value)
    except ValueError:
        return b""


def _milliseconds(value: object) -> int | None:
    """Milliseconds since 1970 from RFC 3339; a time that was not one came as hex, without a Z."""
    if not isinstance(value, str) or not value.endswith("Z"):
        return None
    try:
        return (datetime.fromisoformat(value) - _EPOCH) // timedelta(milliseconds=1)
    except ValueError:
        return None
