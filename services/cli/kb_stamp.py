"""What the data was built from, so that an unchanged knowledge base is not built again."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

STAMP = "ingest.json"
ACTIVE = "active"
_CHECKOUT = Path(__file__).resolve().parents[2]
# What is built depends on these too; a new version of the code must not read an old index.
BUILDER_CODE = ("services/orchestrator/catalogue", "services/retrieval", "services/optimizer", "shared")

Reports = Mapping[str, Mapping[str, object]]


def kb_digest(kb: Path) -> str:
    """Return the SHA-256 over the names and contents of all files below `kb` and of the code that reads them."""
    digest = hashlib.sha256()
    for path in _files(kb):
        digest.update(path.relative_to(kb).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    for folder in BUILDER_CODE:
        for path in sorted((_CHECKOUT / folder).rglob("*.py")):
            digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()


def read_stamp(data_dir: Path, digest: str) -> Reports | None:
    """Return what the builders said of this very knowledge base, or None if anything of it is missing."""
    try:
        stamp = json.loads((data_dir / STAMP).read_text(encoding="utf-8"))
        reports: Reports = stamp["reports"] if stamp["kb"] == digest else {}
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    return reports if reports and all(_is_active(data_dir / name, report) for name, report in reports.items()) else None


def write_stamp(data_dir: Path, digest: str, reports: Reports) -> None:
    """Write the stamp whole, after everything it speaks of."""
    part = data_dir / f".{STAMP}.{os.getpid()}"
    part.write_text(json.dumps({"kb": digest, "reports": reports}, indent=2) + "\n", encoding="utf-8")
    part.replace(data_dir / STAMP)


def _files(kb: Path) -> Iterator[Path]:
    return (path for path in sorted(kb.rglob("*")) if path.is_file() and not path.name.startswith("."))


def _is_active(folder: Path, report: Mapping[str, object]) -> bool:
    try:
        active = (folder / ACTIVE).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return False
    return active == report.get("digest") and (folder / active).is_dir()
