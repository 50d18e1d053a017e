"""The catalogue: all of the knowledge base but its prose, frozen, and named by the digest of its bytes."""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from services.orchestrator.catalogue.questionnaire import Questionnaire
from services.orchestrator.catalogue.rules import LevelRule, RulePack
from services.orchestrator.catalogue.schema import Jurisdiction, Product, Source
from shared.assumptions import AssumptionSet
from shared.entries import Entry
from shared.snapshots import ACTIVE, SnapshotRefused, active_digest

CATALOGUE_FILE = "catalogue.json"


class Catalogue(Entry):
    """What may be advised on and under which rules. Mappings are by id, rule packs by jurisdiction."""

    format: Literal["fiducia-catalogue-1"] = "fiducia-catalogue-1"
    products: dict[str, Product]
    assumptions: AssumptionSet
    level_rule: LevelRule
    packs: dict[Jurisdiction, RulePack]
    questionnaires: dict[str, Questionnaire]
    sources: dict[str, Source]

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of the canonical bytes, 64 hexadecimal digits."""
        return hashlib.sha256(self.canonical_bytes()).hexdigest()

    def canonical_bytes(self) -> bytes:
        """Return UTF-8 JSON with sorted keys and no spaces: equal catalogues have equal bytes."""
        content = self.model_dump(mode="json")
        return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def load_catalogue(out: Path) -> Catalogue:
    """Return the active catalogue below `out`, checked against the digest that names it.

    Raises SnapshotRefused if it is missing, altered or written by another version of Fiducia.
    """
    digest = active_digest(out)
    if digest is None:
        raise SnapshotRefused(f"{out / ACTIVE}: file not found; build the catalogue first")
    path = out / digest / CATALOGUE_FILE
    stored = _stored_bytes(path)
    if hashlib.sha256(stored).hexdigest() != digest:
        raise SnapshotRefused(f"{path}: content does not match its digest; build the catalogue again")
    try:
        catalogue = Catalogue.model_validate(_in_class_order(json.loads(stored)))
    except (ValueError, TypeError, KeyError) as error:
        raise SnapshotRefused(f"{path}: written by another version; build the catalogue again") from error
    if catalogue.digest != digest:
        raise SnapshotRefused(f"{path}: written by another version; build the catalogue again")
    return catalogue


def _stored_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SnapshotRefused(f"{path}: not readable ({error.strerror}); build the catalogue first") from error


def _in_class_order(content: Any) -> Any:
    """Undo the sorting of keys where order carries meaning: asset classes follow `correlations.order`."""
    assumptions = content["assumptions"]
    order = assumptions["correlations"]["order"]
    assumptions["classes"] = {key: assumptions["classes"][key] for key in order if key in assumptions["classes"]}
    return content
