"""Build the catalogue: `python -m services.orchestrator.catalogue KB OUT`."""

from __future__ import annotations

import sys
from pathlib import Path

from services.orchestrator.catalogue.build import build_catalogue
from services.orchestrator.catalogue.load import load_catalogue
from shared.builder import REFUSED, exit_status, tell


def main(arguments: list[str]) -> int:
    """Print the result as a JSON line and return 0; list problems on standard error and return 2."""
    if len(arguments) != 2:
        print("expected two arguments: the folder kb and the folder to write to", file=sys.stderr)
        return REFUSED
    kb, out = map(Path, arguments)
    return exit_status(lambda: _build(kb, out), out)


def _build(kb: Path, out: Path) -> None:
    build_catalogue(kb, out)
    tell("done", _summary(out))


def _summary(out: Path) -> dict[str, object]:
    """Return what a fresh reader finds in `out`, so that the line also says that it can be read back."""
    catalogue = load_catalogue(out)
    return {
        "digest": catalogue.digest,
        "products": len(catalogue.products),
        "assumptions": catalogue.assumptions.id,
        "level_rule": catalogue.level_rule.id,
        "rule_packs": {key: pack.version for key, pack in sorted(catalogue.packs.items())},
        "questionnaires": sorted(catalogue.questionnaires),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
