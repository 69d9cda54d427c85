"""Named counters: every drop has a name and a reason; a name that nobody registered fails.

A name is ``subject_what`` or, where there are reasons, ``subject_what.reason``.
"""

# One line a name: what an operator reads in the status and, later, in a metrics page.
CATALOGUE: dict[str, str] = {}


def register(**names: str) -> None:
    """Add counter names with their help; the module that counts something declares it once."""
    CATALOGUE.update(names)


class Counters(dict[str, int]):
    """Counts of one process by name; missing names read as 0."""

    def __missing__(self, name: str) -> int:
        return 0

    def add(self, name: str, amount: int = 1) -> None:
        """Count ``amount`` under ``name``.

        Raises:
            KeyError: no module registered the name (the part before the first dot).
        """
        if name not in self and name.partition(".")[0] not in CATALOGUE:
            raise KeyError(name)
        self[name] = self[name] + amount

    def merge(self, other: dict[str, int]) -> None:
        """Add another process's counts to these."""
        for name, amount in other.items():
            self[name] = self[name] + amount
