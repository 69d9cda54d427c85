"""Runs whose work is BMP: every route as an event, the tables of many routers."""

from tests.bench.far_end import routes_of, routes_told
from tests.bench.jobs import Job, Place
from tests.bench.loads import Load
from tests.bench.measure import QUIET_S, Bench, load_tables, running
from tests.bench.processes import ProcessTree
from tests.bench.result import Result
from tests.bench.subjects import Subject


def measure_events(
    bench: Bench, row: str, job: Job, load: Load, kind: type[Subject], name: str
) -> Result:
    """Have every route published, and compare the routes that a consumer gets with the table's."""
    with bench.place(name) as place:
        with running(kind(job, place)) as subject:
            subject.tree.wait_quiet(place.flow_port, QUIET_S)
            figures = load_tables(bench, subject.tree, place, load)
            figures["MiB"] = subject.tree.pss_octets() / 2**20
        found, expected = routes_told(place), routes_of(load.table)
    faults = ()
    if found != expected:
        faults = (f"(routes, sum of prefixes) are {found} in place of {expected}",)
    return Result(row, subject.name, figures, faults)


def load_further(bench: Bench, tree: ProcessTree, place: Place, load: Load) -> dict[str, float]:
    """As `load_tables`, but what is told is the cost of routers after the first one."""
    first, *further = load.sessions
    bench.sender.session(place.bmp_port, first)
    tree.wait_quiet(place.flow_port, QUIET_S, place.bmp_port)
    before_s, before_octets = tree.cpu_s(), tree.pss_octets()
    for session in further:
        bench.sender.session(place.bmp_port, session)
    tree.wait_quiet(place.flow_port, QUIET_S, place.bmp_port)
    routes = len(load.table) * len(further)
    return {
        "us/further route": (tree.cpu_s() - before_s) / routes * 1e6,
        "octets/further route": (tree.pss_octets() - before_octets) / routes,
    }
