"""Tables of results, and the ratios that they are held to."""

from tests.bench.guard import ratios_of, read_ratios, record, too_dear
from tests.bench.report import figures_table, ratios_table
from tests.bench.result import Result
from tests.bench.rows import LOADS, ROWS
from tests.bench.slots import flows_by_slot
from tests.bench.table import make_table
from tests.bench.traffic import FLOWS_PER_DATAGRAM, make_traffic

_RESULTS = [
    Result("B", "ours", {"us/flow": 2.0, "MiB": 100.0}),
    Result("B", "ours", {"us/flow": 3.0, "MiB": 100.0}),
    Result("B", "ours", {"us/flow": 0.1, "MiB": 1.0}, ("3 datagrams dropped by the kernel",)),
    Result("B", "nfacctd", {"us/flow": 5.0, "MiB": 400.0}),
    Result("H100", "ours", {"us/flow": 5.0}, (), ("a note",)),
]


def test_a_run_with_a_fault_counts_for_nothing_and_is_named() -> None:
    text = figures_table(_RESULTS)
    assert f"| B | {ROWS['B'].what} | us/flow | 2.50 (2.00-3.00) | 5.00 |" in text
    assert "- invalid: B, ours: 3 datagrams dropped by the kernel" in text
    assert "- H100, ours: a note" in text


def test_ratios_are_to_nfacctd_and_to_the_base_row() -> None:
    assert ratios_of(_RESULTS) == {"B": {"nfacctd": 0.5}, "H100": {"base": 2.0}}
    text = ratios_table(_RESULTS)
    assert f"| B | {ROWS['B'].what} | us/flow | 0.50 | - |" in text
    assert f"| H100 | {ROWS['H100'].what} | us/flow | - | 2.00 of B |" in text


def test_a_row_is_too_dear_from_twice_its_recorded_ratio() -> None:
    recorded = {"B": {"nfacctd": 0.4}}
    assert too_dear({"B": {"nfacctd": 0.8}}, recorded) == []
    assert too_dear({"B": {"nfacctd": 0.81}}, recorded) == ["B: 0.81 of nfacctd, recorded is 0.40"]


def test_a_row_without_a_valid_run_is_told() -> None:
    invalid = [Result("B", "ours", {"us/flow": 1.0}, ("sums are wrong",))]
    assert too_dear(ratios_of(invalid), {"B": {"nfacctd": 0.4}}) == [
        "B: no ratio to nfacctd, recorded is 0.40"
    ]


def test_what_was_recorded_is_read_again_and_other_tables_stay(tmp_path) -> None:
    path = tmp_path / "ratios.toml"
    assert read_ratios(path) == {}
    record("full", {"B": {"nfacctd": 0.5}}, path)
    record("small", {"C2": {"base": 1.2}, "B": {"nfacctd": 0.6, "base": 1.0}}, path)
    record("small", {"B": {"nfacctd": 0.7}}, path)
    assert read_ratios(path) == {
        "full": {"B": {"nfacctd": 0.5}},
        "small": {"C2": {"base": 1.2}, "B": {"nfacctd": 0.7}},
    }


def test_the_recorded_rows_are_rows() -> None:
    recorded = read_ratios()
    assert recorded["small"]
    assert {row for rows in recorded.values() for row in rows} <= ROWS.keys()


def test_loads_and_bases_are_there() -> None:
    assert {row.load for row in ROWS.values()} <= LOADS.keys()
    assert {row.base for row in ROWS.values() if row.base} <= ROWS.keys()


def test_flows_by_slot_are_those_of_whole_devices() -> None:
    table = make_table(100)
    traffic = make_traffic(
        20 * 4 * FLOWS_PER_DATAGRAM, table, lambda _, sets, rng: (sets * 0, sets * 0), devices=20
    )
    flows = flows_by_slot(2, traffic)
    assert set(flows) == {0, 1}
    assert sum(flows.values()) == traffic.sums.flows
    assert all(count and count % (4 * FLOWS_PER_DATAGRAM) == 0 for count in flows.values())
