"""Build the catalogue: `python -m services.orchestrator.catalogue KB OUT`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from services.orchestrator.catalogue.build import build_catalogue
from services.orchestrator.catalogue.load import load_catalogue
from services.orchestrator.catalogue.problems import KnowledgeBaseError

_REFUSED = 2


def main(arguments: list[str]) -> int:
    """Build, print one JSON line on the result and return 0; on faults list them on stderr and return 2."""
    if len(arguments) != 2:
        print("expected two arguments: the folder kb and the folder to write to", file=sys.stderr)
        return _REFUSED
    kb, out = map(Path, arguments)
    try:
        build_catalogue(kb, out)
        summary = _summary(out)
    except KnowledgeBaseError as error:
        print(error, file=sys.stderr)
        return _REFUSED
    print(json.dumps(summary))
    return 0


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
