"""Devices: that every address belongs to one, and that its answers come from somewhere."""

from collections.abc import Iterator

from collector.config.draft import Draft, Entry


def check_devices(draft: Draft) -> Iterator[str]:
    """Give the mistakes of [[device]] and [[rd]]."""
    devices = [entry for entry in draft.lists["device"] if entry.right("addresses")]
    owners: dict[str, Entry] = {}
    for entry in devices:
        for address in entry["addresses"]:
            if address in owners:
                reason = f"{owners[address].label} has this address already"
                yield entry.mistake("addresses", reason, value=address)
            owners.setdefault(address, entry)
    yield from _check_rib_of(devices, owners)
    yield from _check_views(draft)
    yield from _check_rds(draft.lists["rd"])


def first_addresses(draft: Draft) -> dict[str, str]:
    """Name the device (its first address) of every address of [[device]]."""
    return {
        address: entry["addresses"][0]
        for entry in draft.lists["device"]
        for address in entry["addresses"]
    }


def _check_rib_of(devices: list[Entry], owners: dict[str, Entry]) -> Iterator[str]:
    for entry in devices:
        way = [entry]
        while (following := _rib_owner(way[-1], owners)) is not None:
            if following is entry:
                told = "is this device's own"
                if len(way) > 1:
                    told = f"leads by way of {way[-1].label} to itself"
                yield entry.mistake("rib_of", told)
            if following in way:
                break
            way.append(following)


def _rib_owner(entry: Entry, owners: dict[str, Entry]) -> Entry | None:
    """Find the table of the device whose tables answer for this one."""
    rib_of = entry["rib_of"] if entry.right("rib_of") else None
    return None if rib_of is None else owners.get(rib_of)


def _check_views(draft: Draft) -> Iterator[str]:
    rib = draft.tables["rib"]
    if not rib.right("views"):
        return
    for entry in draft.lists["device"]:
        if entry.right("views"):
            for position, view in enumerate(entry["views"] or ()):
                if view not in rib["views"]:
                    yield entry.mistake(
                        "views",
                        "no tables of it are kept: add it to [rib] views",
                        f"[{position}]",
                        view,
                    )


def _check_rds(entries: list[Entry]) -> Iterator[str]:
    seen: dict[tuple[str | None, int | None, int | None], Entry] = {}
    for entry in entries:
        if not entry.right("rd", "device", "vrf_id", "ingress_interface"):
            continue
        flows = (entry["device"], entry["vrf_id"], entry["ingress_interface"])
        if flows in seen:
            yield entry.mistake("rd", f"{seen[flows].label} is about the same flows")
        seen.setdefault(flows, entry)
