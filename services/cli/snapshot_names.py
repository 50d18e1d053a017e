"""Names of snapshots as people give them: a whole digest, or the first digits of one."""

from __future__ import annotations

from collections.abc import Sequence

from services.cli.errors import CliError

WHOLE = 64
# Shorter beginnings are slips more often than names.
SHORTEST = 6


def digest_of(name: str, known: Sequence[str], listed_by: str) -> str:
    """Return the digest that a name stands for; raise CliError where it stands for none or for several.

    listed_by: the command that lists the known ones.
    """
    found = [digest for digest in known if digest.startswith(name.lower())]
    if len(name) < SHORTEST or len(found) != 1:
        problem = "begins the name of several snapshots" if len(found) > 1 else "names no snapshot"
        raise CliError(f"{name!r} {problem}; `{listed_by}` shows them; give at least {SHORTEST} digits of one")
    return found[0]
