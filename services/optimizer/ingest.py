"""Turn kb/assumptions into market snapshots: `python -m services.optimizer.ingest KB OUT`.

Every set becomes a snapshot; the one with the newest `as_of` becomes the active one.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from services.optimizer.moments import CASH_CLASS
from services.optimizer.snapshots import activate, write_snapshot
from shared.assumptions import AssumptionSet

_REFUSED = 2


class AssumptionsRefused(Exception):
    """The assumptions have faults: one line each, with file, field and reason."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def ingest(kb: Path, out: Path, report: Callable[[dict[str, Any]], None] = lambda _: None) -> str:
    """Write a snapshot of each set of assumptions in `kb` and return the digest of the one that is now active.

    report: told of each snapshot and, last, of the result. Raises AssumptionsRefused, having written nothing.
    """
    sets = read_assumptions(kb)
    digests = {assumptions.id: write_snapshot(out, assumptions) for assumptions in sets}
    for assumptions in sets:
        report({"event": "snapshot", "id": assumptions.id, "digest": digests[assumptions.id]})
    newest = sets[-1]
    activate(out, digests[newest.id])
    report(
        {
            "event": "done",
            "digest": digests[newest.id],
            "assumption_set": newest.id,
            "as_of": newest.as_of.isoformat(),
            "snapshots": len(sets),
            "asset_classes": len(newest.classes),
        }
    )
    return digests[newest.id]


def read_assumptions(kb: Path) -> list[AssumptionSet]:
    """Return all sets in `kb`, oldest first. Raises AssumptionsRefused with every fault."""
    problems: list[str] = []
    sets: list[AssumptionSet] = []
    for path in sorted((kb / "assumptions").glob("*.yaml")):
        try:
            sets.append(_read(path, f"{kb.resolve().name}/assumptions/{path.name}"))
        except AssumptionsRefused as error:
            problems += error.problems
    if not problems and not sets:
        problems.append(f"{kb / 'assumptions'}: no .yaml file found, expected one at least; add one")
    sets.sort(key=lambda entry: entry.as_of)
    problems += _clashes(sets)
    if problems:
        raise AssumptionsRefused(problems)
    return sets


def _read(path: Path, file: str) -> AssumptionSet:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        assumptions = AssumptionSet.model_validate(content)
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        reason = " ".join(str(error).split())
        raise AssumptionsRefused([f"{file}: not readable as YAML: {reason}; correct the file"]) from error
    except ValidationError as error:
        raise AssumptionsRefused([_line(file, details) for details in error.errors(include_url=False)]) from error
    missing = [name for name in CASH_CLASS.values() if name not in assumptions.classes]
    if missing:
        raise AssumptionsRefused([f"{file}: classes.{name}: missing; uninvested money earns it" for name in missing])
    return assumptions


def _line(file: str, details: Any) -> str:
    field = ".".join(str(step) for step in details["loc"])
    reason = str(details["ctx"]["error"]) if details["type"] == "value_error" else str(details["msg"])
    return ": ".join(part for part in (file, field, reason) if part)


def _clashes(sets: list[AssumptionSet]) -> list[str]:
    ids = [entry.id for entry in sets]
    problems = [
        f"id: {name} names more than one set; rename one" for name in sorted({x for x in ids if ids.count(x) > 1})
    ]
    if len(sets) > 1 and sets[-1].as_of == sets[-2].as_of:
        problems.append(f"as_of: {sets[-2].id} and {sets[-1].id} have the same date; the newest is used, change one")
    return problems


def main(arguments: list[str]) -> int:
    """Print progress as JSON lines and return 0; list faults on standard error and return 2."""
    if len(arguments) != 2:
        print("expected two arguments: the folder kb and the folder to write to", file=sys.stderr)
        return _REFUSED
    try:
        ingest(Path(arguments[0]), Path(arguments[1]), lambda event: print(json.dumps(event), flush=True))
    except AssumptionsRefused as error:
        print(error, file=sys.stderr)
        return _REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
