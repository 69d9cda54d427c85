"""`networks_no_mask_if_zero`: prefixes of flows whose mask is 0."""

import pytest

from collector.nfacctd.settings import Networks
from tests.nfacctd.flows.pipeline import records_of
from tests.records.flows import message


@pytest.mark.parametrize(("whole", "net"), [(False, "0.0.0.0"), (True, "203.0.113.5")])
def test_a_mask_of_zero(whole: bool, net: str) -> None:
    record = bytes([10, 1, 1, 1, 203, 0, 113, 5, 24, 0])
    octets = message(256, [(8, 4), (12, 4), (9, 1), (13, 1)], record)
    (told,) = records_of(
        [octets], "src_net", "dst_net", "dst_mask", networks=Networks(no_mask_if_zero=whole)
    )
    assert (told["net_src"], told["net_dst"], told["mask_dst"]) == ("10.1.1.0", net, 0)
