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
        seen: list[Entry] = []
        here: Entry | None = entry
        while here is not None and here.right("rib_of") and here["rib_of"] is not None:
            seen.append(here)
            here = owners.get(here["rib_of"])
            if here is entry:
                own = len(seen) == 1
                way = "this device's own" if own else f"by way of {seen[-1].label} to itself"
                yield entry.mistake("rib_of", f"leads {way}" if not own else f"is {way}")
            if here in seen:
                break


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
