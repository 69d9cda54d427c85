"""The truth that the demo compares records with."""

from ipaddress import ip_address, ip_network

from collector.simulation.announced import Announced, Answer

_WIDE, _NARROW = ip_network("198.18.0.0/16"), ip_network("198.18.1.0/24")
_HOST = ip_address("198.18.1.9")


def test_nothing_is_known_before_it_is_announced() -> None:
    announced = Announced()
    announced.announce(0, _WIDE, (1,), 10)
    assert announced.answers(_HOST, 8, 9) == {None}
    assert announced.answers(ip_address("2001:db8::1"), 8, 20) == {None}
    assert announced.answers(_HOST, 10, 11) == {Answer(_WIDE, (1,))}


def test_a_change_in_between_allows_both() -> None:
    announced = Announced()
    announced.announce(0, _WIDE, (1,), 0)
    announced.announce(0, _NARROW, (2,), 5)
    announced.withdraw(0, _NARROW, 8)
    assert announced.answers(_HOST, 1, 4) == {Answer(_WIDE, (1,))}
    assert announced.answers(_HOST, 4, 6) == {Answer(_WIDE, (1,)), Answer(_NARROW, (2,))}
    assert announced.answers(_HOST, 6, 7) == {Answer(_NARROW, (2,))}
    assert announced.answers(_HOST, 8, 9) == {Answer(_WIDE, (1,))}
    assert announced.answers(ip_address("198.18.2.1"), 0, 9) == {Answer(_WIDE, (1,))}


def test_the_better_peer_answers_while_it_has_a_route() -> None:
    announced = Announced()
    announced.announce(1, _WIDE, (2, 1), 0)
    announced.announce(0, _WIDE, (1,), 1)
    announced.withdraw(0, _WIDE, 5)
    assert announced.answers(_HOST, 2, 3) == {Answer(_WIDE, (1,))}
    assert announced.answers(_HOST, 4, 6) == {Answer(_WIDE, (1,)), Answer(_WIDE, (2, 1))}
