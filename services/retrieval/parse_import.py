"""The plan and the documents of an import as they come in; every field is checked."""

from __future__ import annotations

from pathlib import PurePosixPath

from fiducia.retrieval.v1 import import_pb2 as pb
from fiducia.retrieval.v1 import passage_pb2

from services.retrieval.checks import COLLECTION, JURISDICTIONS, STEERING, Faults, named
from services.retrieval.formats.read import SUFFIXES
from services.retrieval.ingest.folder import SIDECAR
from services.retrieval.ingest.imported import Defaults
from services.retrieval.ingest.merge import Mode
from services.retrieval.ingest.plan import Plan
from services.retrieval.parse_search import LANGUAGES
from services.retrieval.passage import KNOWLEDGE_BASE, TrustLevel

MOST_DELETED = 10_000
LONGEST_PATH = 400
LARGEST_PART = 1 << 20
_LONGEST_TEXT = 500
_LONGEST_ID = 300
# What file systems take.
_LONGEST_NAME_BYTES = 255
_MODES = {
    pb.IMPORT_MODE_UNSPECIFIED: Mode.MERGE,
    pb.IMPORT_MODE_MERGE: Mode.MERGE,
    pb.IMPORT_MODE_REPLACE: Mode.REPLACE,
}


def parse_plan(message: pb.ImportPlan) -> Plan:
    """Return how to import. Raises InvalidRequest with every wrong field."""
    faults = Faults()
    if message.collection == KNOWLEDGE_BASE:
        faults.add("plan.collection", "is that of the knowledge base, which `fiducia ingest` builds; name another")
    elif not COLLECTION.fullmatch(message.collection):
        faults.add("plan.collection", "expected 1 to 64 lower-case letters, digits and hyphens, such as house-views")
    if message.mode not in _MODES:
        faults.add("plan.mode", f"found {message.mode}, expected {', '.join(pb.ImportMode.keys())}")
    if len(message.delete_document_ids) > MOST_DELETED:
        faults.add("plan.delete_document_ids", f"found {len(message.delete_document_ids)}, at most {MOST_DELETED}")
    for number, key in enumerate(message.delete_document_ids[:MOST_DELETED]):
        named(key, _LONGEST_ID, f"plan.delete_document_ids[{number}]", faults)
    defaults = _defaults(message, faults)
    faults.raise_any()
    return Plan(
        message.collection, _MODES[message.mode], tuple(message.delete_document_ids), message.activate, defaults
    )


def parse_path(path: str) -> PurePosixPath:
    """Return the path of an uploaded file, which stays below the folder. Raises InvalidRequest."""
    faults = Faults()
    named(path, LONGEST_PATH, "document.path", faults)
    relative = PurePosixPath(path)
    if relative.is_absolute() or not all(_is_plain(part) for part in path.split("/")):
        faults.add("document.path", f"found {path[:80]!r}, expected a path like funds/one.pdf below the folder")
    elif not _is_known(relative):
        faults.add("document.path", f"found {relative.suffix!r}, expected {', '.join(sorted(SUFFIXES))} or {SIDECAR}")
    faults.raise_any()
    return relative


def _is_plain(part: str) -> bool:
    """Return whether a folder or file may have this name: one that stays where it is, can be shown and be written."""
    return 0 < len(part.encode()) <= _LONGEST_NAME_BYTES and not part.startswith(".") and not STEERING.search(part)


def _is_known(path: PurePosixPath) -> bool:
    return path.suffix.lower() in SUFFIXES or path.suffix == SIDECAR


def _defaults(message: pb.ImportPlan, faults: Faults) -> Defaults:
    given = message.defaults
    for name in ("source", "licence", "issuer"):
        if len(getattr(given, name)) > _LONGEST_TEXT:
            faults.add(f"plan.defaults.{name}", f"is longer than {_LONGEST_TEXT} characters; shorten it")
    if given.language and given.language not in LANGUAGES:
        faults.add("plan.defaults.language", f"found {given.language[:20]!r}, expected en or zh, or nothing")
    for number, country in enumerate(given.jurisdictions):
        if country not in JURISDICTIONS:
            path = f"plan.defaults.jurisdictions[{number}]"
            faults.add(path, f"found {country[:20]!r}, expected one of {', '.join(JURISDICTIONS)}")
    if given.trust not in passage_pb2.TrustLevel.values():
        faults.add("plan.defaults.trust", f"found {given.trust}, expected {', '.join(passage_pb2.TrustLevel.keys())}")
        return Defaults()
    trust = given.trust or passage_pb2.TRUST_LEVEL_EXTERNAL
    # Checked above: what is not one of these raised a fault, and the plan is never used.
    language = "en" if given.language == "en" else "zh" if given.language == "zh" else None
    return Defaults(
        source=given.source,
        licence=given.licence,
        issuer=given.issuer,
        language=language,  # type: ignore[arg-type]
        trust=TrustLevel(passage_pb2.TrustLevel.Name(trust).removeprefix("TRUST_LEVEL_")),
        jurisdictions=tuple(given.jurisdictions),  # type: ignore[arg-type]
        collection=message.collection,
    )
