"""What holds for every test: no time limit on examples, and in CI a skip is a failure.

With COLLECTOR_CI=1 (set by `.ci/run`) a skipped test is a test that CI silently stopped running, so
it fails. The one exception: the reference captures are no part of the project.
"""

import os
from collections.abc import Generator

import pytest
from hypothesis import settings

# An example that is slow because the machine is busy is no fault.
settings.register_profile("collector", deadline=None)
settings.load_profile("collector")

_MISSING_CAPTURES = "captures"  # tests/captures.py says so in its reason


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Judge a skip inside a test or a fixture."""
    report = yield
    if not hasattr(report, "wasxfail"):
        _fail_skip_in_ci(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Judge a skip of a whole module."""
    report = yield
    _fail_skip_in_ci(report)
    return report


def _fail_skip_in_ci(report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.outcome != "skipped" or os.environ.get("COLLECTOR_CI") != "1":
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    if _MISSING_CAPTURES in reason:
        return
    report.outcome = "failed"
    report.longrepr = (
        f"{report.nodeid} was skipped, and COLLECTOR_CI=1 allows no skips: {reason}\n"
        "Let .ci/run install what is missing, or mend the test's idea of what it needs."
    )
