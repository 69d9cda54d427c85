"""Sampling rates as options data give them, in any of the three generations of elements.

A rate n means that one packet of n was sampled: an int where it is integral, else a float.
"""

import math
from collections import Counter
from collections.abc import Mapping

from collector.protocols.ipfix.scoped_table import ScopedTable

Rate = int | float

_INTERFACES = (
    "scopeInterface",
    "ingressInterface",
    "egressInterface",
    "ingressPhysicalInterface",
    "egressPhysicalInterface",
)
# Scopes that are the device, not a part of it; and domain 0 is none in particular (RFC 7011, 3.1).
_DEVICE_SCOPES = ("scopeSystem", "exportingProcessId")
_NO_DOMAIN = 0


def number(record: Mapping[str, object], *names: str) -> int | None:
    """The first of ``names`` that is a whole number in an options record (first, if it repeats)."""
    for name in names:
        value = record.get(name)
        if isinstance(value, list):
            value = value[0] if value else None
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    return None


def interface_of(record: Mapping[str, object]) -> int | None:
    """The ifIndex that an options record is about."""
    return number(record, *_INTERFACES)


def rate_of(record: Mapping[str, object]) -> Rate | None:
    """The sampling rate that an options record tells; None where it tells none that makes sense.

    Args:
        record: element name to JSON-ready value, scope and other fields.
    """
    # IANA's psamp-parameters: selectorAlgorithm says which elements count if there are several.
    ways = {1: _count_based, 2: _time_based, 3: _n_out_of_population, 4: _probability}
    chosen = ways.get(number(record, "selectorAlgorithm") or 0)
    told = chosen(record) if chosen else None
    if told is not None:
        return told
    for way in (_count_based, _n_out_of_population, _probability, _time_based, _netflow):
        rate = way(record)
        if rate is not None:
            return rate
    return None


def _count_based(record: Mapping[str, object]) -> Rate | None:
    interval = number(record, "samplingPacketInterval")
    space = number(record, "samplingPacketSpace")
    if interval and space is None:
        # IANA deprecates samplingInterval "in favor of" this one, so exporters put the old value in
        # it; taken literally, all packets would be sampled.
        return _ratio(interval, 1)
    return _ratio((interval or 0) + (space or 0), interval)


def _time_based(record: Mapping[str, object]) -> Rate | None:
    interval = number(record, "samplingTimeInterval")
    space = number(record, "samplingTimeSpace")
    return None if space is None else _ratio((interval or 0) + space, interval)


def _n_out_of_population(record: Mapping[str, object]) -> Rate | None:
    return _ratio(number(record, "samplingPopulation"), number(record, "samplingSize"))


def _probability(record: Mapping[str, object]) -> Rate | None:
    probability = record.get("samplingProbability")
    return _ratio(1, probability) if isinstance(probability, int | float) else None


def _netflow(record: Mapping[str, object]) -> Rate | None:
    return _ratio(number(record, "samplerRandomInterval", "samplingInterval"), 1)


def _ratio(population: float | None, size: float | None) -> Rate | None:
    if not population or not size or not math.isfinite(size) or not 0 < size <= population:
        return None
    if isinstance(size, int) and isinstance(population, int) and population % size == 0:
        return population // size
    rate = population / size
    if not math.isfinite(rate):
        return None
    # A probability of 0.001 in single precision is meant to be 1000, not 999.99995.
    return round(rate) if math.isclose(rate, round(rate), rel_tol=1e-6) else rate


class SamplingRates:
    """Who samples at which rate, as the options data of one exporter say.

    ``samplers`` are by selectorId or samplerId, ``interfaces`` by ifIndex, ``templates`` by
    template id; ``domains`` is what is told of a whole domain, ``devices`` of the whole device.
    """

    __slots__ = ("_rates_in_use", "devices", "domains", "interfaces", "samplers", "templates")

    def __init__(self, limit: int) -> None:
        self.samplers: ScopedTable[int, Rate] = ScopedTable(limit)
        self.interfaces: ScopedTable[int, Rate] = ScopedTable(limit)
        self.templates: ScopedTable[int, Rate] = ScopedTable(limit)
        self.domains: ScopedTable[None, Rate] = ScopedTable(limit)
        self.devices: ScopedTable[None, Rate] = ScopedTable(limit)
        # By domain (None: of the device), how many samplers have each rate.
        self._rates_in_use: dict[int | None, Counter[Rate]] = {}

    def learn(self, domain: int, scope: Mapping[str, object], record: Mapping[str, object]) -> bool:
        """Take an options record; returns whether it is news.

        Args:
            domain: that the record is about.
            scope: the scope fields of the record.
            record: all its fields.
        """
        rate = rate_of(record)
        if rate is None:
            return False
        sampler = number(record, "selectorId", "samplerId")
        interface = interface_of(record)
        template_id = number(scope, "templateId", "scopeTemplate")
        news = False
        if sampler is not None:
            news |= self._put_sampler(domain, sampler, rate)
        if interface is not None:
            news |= self.interfaces.put(domain, interface, rate)
        if template_id is not None:
            news |= self.templates.put(domain, template_id, rate)
        if sampler is None and interface is None and template_id is None:
            news |= self._put_general(domain, scope, rate)
        return news

    def rate(
        self,
        domain: int,
        sampler_id: int | None = None,
        interface: int | None = None,
        template_id: int | None = None,
    ) -> Rate | None:
        """The rate of flows of a domain: by sampler, interface, template, domain or device.

        A flow that names no sampler has the rate that all samplers of its domain agree on, else of
        the device: routers with a single sampler often leave its id out of their flows.
        """
        told = (
            None if sampler_id is None else self.samplers.get(domain, sampler_id),
            None if interface is None else self.interfaces.get(domain, interface),
            # Template ids of different domains have nothing to do with each other.
            self.templates.of_domain.get((domain, template_id)),
            self.domains.of_domain.get((domain, None)),
            self.devices.get(domain, None),
        )
        for rate in told:
            if rate is not None:
                return rate
        return self._common(domain) if sampler_id is None else None

    @property
    def refused(self) -> int:
        """How many statements did not fit."""
        tables = (self.samplers, self.interfaces, self.templates, self.domains, self.devices)
        return sum(table.refused for table in tables)

    def _put_general(self, domain: int, scope: Mapping[str, object], rate: Rate) -> bool:
        news = self.domains.put(domain, None, rate)
        of_device = not scope or domain == _NO_DOMAIN or any(s in scope for s in _DEVICE_SCOPES)
        if of_device:
            news |= self.devices.put(domain, None, rate)
        return news

    def _put_sampler(self, domain: int, sampler_id: int, rate: Rate) -> bool:
        before = self.samplers.of_domain.get((domain, sampler_id))
        if not self.samplers.put(domain, sampler_id, rate):
            return False
        for whose in (domain, None):
            in_use = self._rates_in_use.setdefault(whose, Counter())
            in_use[rate] += 1
            if before is not None:
                in_use[before] -= 1
                if not in_use[before]:
                    del in_use[before]
        return True

    def _common(self, domain: int) -> Rate | None:
        in_use = self._rates_in_use.get(domain) or self._rates_in_use.get(None)
        return next(iter(in_use)) if in_use and len(in_use) == 1 else None
