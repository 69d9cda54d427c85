"""Which of the collectors this machine has."""

import shutil

from tests.bench.goflow2 import BINARY, Goflow2
from tests.bench.nfacctd import Nfacctd
from tests.bench.ours import Ours
from tests.bench.subjects import Subject


def installed() -> dict[str, type[Subject]]:
    """All of them by name, ours first."""
    found: list[type[Subject]] = [Ours]
    found += [Nfacctd] if shutil.which("nfacctd") else []
    found += [Goflow2] if BINARY.exists() else []
    return {kind.name: kind for kind in found}
