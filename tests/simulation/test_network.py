"""The plan of the simulated network."""

from collections import Counter

import pytest

from collector.simulation.network import MAX_ROUTERS, simulated_network


def test_same_seed_same_network() -> None:
    assert simulated_network(3, seed=5) == simulated_network(3, seed=5)
    assert simulated_network(3, seed=5) != simulated_network(3, seed=6)


def test_a_larger_network_has_the_smaller_one_in_it() -> None:
    assert simulated_network(5)[:3] == simulated_network(3)


def test_routers_differ_in_all_that_tells_them_apart() -> None:
    plans = simulated_network(MAX_ROUTERS, addresses=["::1"])
    assert plans[0].address == "::1"
    assert len({plan.address for plan in plans}) == MAX_ROUTERS
    assert len({plan.name for plan in plans}) == MAX_ROUTERS
    assert len({prefix for plan in plans for prefix in plan.customers}) == 2 * MAX_ROUTERS
    owners: dict[tuple[int, ...], set[str]] = {}
    for plan in plans:
        for table in plan.tables:
            for as_path in table.routes.values():
                owners.setdefault(as_path, set()).add(plan.name)
    assert all(len(names) == 1 for names in owners.values())


def test_every_view_is_there_and_every_destination_in_every_table() -> None:
    plans = simulated_network(12)
    assert min(Counter(plan.view for plan in plans).values()) == 4
    for plan in plans:
        assert all(set(plan.destinations) <= table.routes.keys() for table in plan.tables)
        assert set(plan.customers) <= plan.tables[0].routes.keys()
        stable = set(plan.destinations) - set(plan.unstable)
        assert all(
            any(prefix.subnet_of(one) for one in stable if one.version == prefix.version)
            for prefix in plan.unstable
        )


def test_too_many_routers() -> None:
    with pytest.raises(ValueError, match="51 routers"):
        simulated_network(MAX_ROUTERS + 1)
