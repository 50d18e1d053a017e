"""Turn kb/assumptions into market snapshots: `python -m services.optimizer.ingest KB OUT`.

Every set becomes a snapshot; the one with the newest `as_of` becomes the active one. The stress scenarios of kb/stress
are put beside them.
"""

from __future__ import annotations

import sys
from pathlib import Path

from services.optimizer.moments import CASH_CLASS
from services.optimizer.snapshots import write_snapshot
from services.optimizer.stress import read_scenarios, write_scenarios
from shared.assumptions import AssumptionSet
from shared.builder import REFUSED, Tell, exit_status, tell
from shared.entries import collect, read_entry
from shared.problems import KnowledgeBaseError, Problem, file_name
from shared.snapshots import activate


def ingest(kb: Path, out: Path, tell: Tell = lambda _event, _details: None) -> str:
    """Write a snapshot of each set of assumptions in `kb` and return the digest of the one that is now active.

    tell: called with each snapshot and, last, with the result. Raises KnowledgeBaseError, having written nothing.
    """
    sets = read_assumptions(kb)
    scenarios = read_scenarios(kb)
    write_scenarios(out, scenarios)
    digests = {assumptions.id: write_snapshot(out, assumptions) for assumptions in sets}
    for assumptions in sets:
        tell("snapshot", {"id": assumptions.id, "digest": digests[assumptions.id]})
    newest = sets[-1]
    activate(out, digests[newest.id])
    result = {
        "digest": digests[newest.id],
        "assumption_set": newest.id,
        "as_of": newest.as_of.isoformat(),
        "snapshots": len(sets),
        "asset_classes": len(newest.classes),
        "stress_scenarios": len(scenarios),
    }
    tell("done", result)
    return digests[newest.id]


def read_assumptions(kb: Path) -> list[AssumptionSet]:
    """Return all sets in `kb`, oldest first. Raises KnowledgeBaseError with every fault."""
    pattern = kb / "assumptions" / "*.yaml"
    paths = sorted(pattern.parent.glob(pattern.name))
    sets, problems = collect(paths, lambda path: _read(path, file_name(kb, path)))
    if not paths:
        problems.append(Problem(str(pattern.parent), "", "no .yaml file found, expected one at least; add one"))
    sets.sort(key=lambda entry: entry.as_of)
    problems += _clashes(sets, file_name(kb, pattern))
    if problems:
        raise KnowledgeBaseError(problems)
    return sets


def _read(path: Path, file: str) -> AssumptionSet:
    assumptions = read_entry(path, file, AssumptionSet)
    missing = [name for name in CASH_CLASS.values() if name not in assumptions.classes]
    if missing:
        reason = "missing; uninvested money earns it"
        raise KnowledgeBaseError([Problem(file, f"classes.{name}", reason) for name in missing])
    return assumptions


def _clashes(sets: list[AssumptionSet], file: str) -> list[Problem]:
    ids = [entry.id for entry in sets]
    repeated = {name for name in ids if ids.count(name) > 1}
    problems = [Problem(file, "id", f"{name} names more than one set; rename one") for name in repeated]
    if len(sets) > 1 and sets[-1].as_of == sets[-2].as_of:
        both = f"{sets[-2].id} and {sets[-1].id}"
        problems.append(Problem(file, "as_of", f"{both} have the same date; the newest is in force, change one"))
    return problems


def main(arguments: list[str]) -> int:
    """Print progress as JSON lines and return 0; list problems on standard error and return 2."""
    if len(arguments) != 2:
        print("expected two arguments: the folder kb and the folder to write to", file=sys.stderr)
        return REFUSED
    kb, out = map(Path, arguments)
    return exit_status(lambda: ingest(kb, out, tell), out)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
