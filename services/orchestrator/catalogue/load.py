"""The catalogue: all of the knowledge base but its prose, frozen, and named by the digest of its bytes."""

from __future__ import annotations

import hashlib
import json
import re
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from services.orchestrator.catalogue.files import parse_entry
from services.orchestrator.catalogue.problems import KnowledgeBaseError, Problem
from services.orchestrator.catalogue.questionnaire import Questionnaire
from services.orchestrator.catalogue.rules import LevelRule, RulePack
from services.orchestrator.catalogue.schema import Jurisdiction, Product, Source
from shared.assumptions import AssumptionSet, Entry

ACTIVE = "active"
CATALOGUE_FILE = "catalogue.json"
_DIGEST = re.compile(r"[0-9a-f]{64}")


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

    Raises KnowledgeBaseError if it is missing, altered or written by another version of Fiducia.
    """
    digest = _active_digest(out)
    file = f"{digest}/{CATALOGUE_FILE}"
    stored = _stored_bytes(out / file, file)
    if hashlib.sha256(stored).hexdigest() != digest:
        raise _refused(file, "content does not match its digest; build the catalogue again")
    catalogue = parse_entry(_in_class_order(json.loads(stored)), file, Catalogue)
    if catalogue.digest != digest:
        raise _refused(file, "written by another version; build the catalogue again")
    return catalogue


def _active_digest(out: Path) -> str:
    digest = _stored_bytes(out / ACTIVE, ACTIVE).decode("ascii", "replace").strip()
    if not _DIGEST.fullmatch(digest):
        raise _refused(ACTIVE, f"found {digest[:80]!r}, expected 64 hexadecimal digits; build the catalogue again")
    return digest


def _stored_bytes(path: Path, file: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _refused(file, f"not readable ({error.strerror}); build the catalogue first") from error


def _in_class_order(content: Any) -> Any:
    """Undo the sorting of keys where order carries meaning: asset classes follow `correlations.order`."""
    assumptions = content["assumptions"]
    order = assumptions["correlations"]["order"]
    assumptions["classes"] = {key: assumptions["classes"][key] for key in order if key in assumptions["classes"]}
    return content


def _refused(file: str, reason: str) -> KnowledgeBaseError:
    return KnowledgeBaseError([Problem(file, "", reason)])
