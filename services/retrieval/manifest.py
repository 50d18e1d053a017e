"""What an index says about itself, and the checks before it is trusted."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from services.retrieval.chunk import CHUNKER_VERSION
from services.retrieval.encoder import FoundEncoder
from services.retrieval.words import WORDS_VERSION
from shared.snapshots import SnapshotRefused

MANIFEST = "manifest.json"
# When the folder was built, ISO 8601 in UTC. Beside the manifest, since equal content has equal digests.
CREATED = "created"
# Raised when the files of an index change shape.
FORMAT = 6


@dataclass(frozen=True)
class EncoderEntry:
    """An encoder whose vectors an index holds, for the passages in these languages."""

    name: str
    digest: str
    dimension: int
    languages: tuple[str, ...]


@dataclass(frozen=True)
class Manifest:
    """One index. Its SHA-256 over the exact bytes of the file names the snapshot.

    encoders: in order of preference; passages in a language that none knows are found by words alone.
    inputs: SHA-256 over everything the index was made from, so that an unchanged knowledge base is not built again.
    files:  SHA-256 of every other file, by path within the folder.
    """

    encoders: tuple[EncoderEntry, ...]
    passage_count: int
    document_count: int
    inputs: str
    files: dict[str, str]
    chunker_version: str = CHUNKER_VERSION
    words_version: str = WORDS_VERSION
    format: int = FORMAT

    def to_bytes(self) -> bytes:
        """Return the file's content; equal manifests give equal bytes."""
        return (json.dumps(asdict(self), indent=2, sort_keys=True) + "\n").encode()


def digest_of(content: bytes) -> str:
    """Return the SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def file_digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file that a manifest covers, by path within the folder."""
    files = sorted(file for file in folder.rglob("*") if file.is_file() and file.name not in (MANIFEST, CREATED))
    return {file.relative_to(folder).as_posix(): _file_digest(file) for file in files}


def _file_digest(file: Path) -> str:
    # Block by block: the vectors of a million passages are not to be held in memory for it.
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of a snapshot folder, checked against the digest that is the folder's name.

    Raises SnapshotRefused.
    """
    try:
        content = (folder / MANIFEST).read_bytes()
    except OSError as error:
        raise _refusal(folder, f"its manifest cannot be read ({error.strerror})") from error
    if (found := digest_of(content)) != folder.name:
        raise _refusal(folder, f"its manifest has the digest {found}, so it was changed")
    try:
        fields = json.loads(content)
        return Manifest(**{**fields, "encoders": tuple(_entry(entry) for entry in fields["encoders"])})
    except (ValueError, TypeError, KeyError) as error:
        raise _refusal(folder, f"its manifest has another shape than this version reads ({error})") from error


def verify(manifest: Manifest, folder: Path, running: Sequence[FoundEncoder]) -> None:
    """Check that the index was made by these encoders and this version, and that no file changed.

    Raises SnapshotRefused.
    """
    made_with = [(entry.digest, entry.languages) for entry in manifest.encoders]
    if made_with != [(encoder.digest, encoder.languages) for encoder in running]:
        raise SnapshotRefused(
            f"index {folder.name} was made with the encoders {_names(manifest.encoders)}, "
            f"this service runs {_names(running)}; start the service with those or run: fiducia ingest kb/"
        )
    made_by = (manifest.format, manifest.chunker_version, manifest.words_version)
    if made_by != (FORMAT, CHUNKER_VERSION, WORDS_VERSION):
        raise _refusal(folder, f"it was made by another version {made_by}")
    found = file_digests(folder)
    changed = sorted(
        name for name in manifest.files.keys() | found.keys() if manifest.files.get(name) != found.get(name)
    )
    if changed:
        raise _refusal(folder, f"missing, added or changed: {', '.join(changed)}")


def is_intact(folder: Path) -> bool:
    """Return whether the folder holds exactly what its manifest says."""
    try:
        return file_digests(folder) == read_manifest(folder).files
    except (SnapshotRefused, OSError):
        return False


def _entry(fields: dict[str, Any]) -> EncoderEntry:
    return EncoderEntry(**{**fields, "languages": tuple(fields["languages"])})


def _names(encoders: Sequence[EncoderEntry | FoundEncoder]) -> str:
    names = (f"{one.name} for {'+'.join(one.languages)} ({one.digest[:12]})" for one in encoders)
    return ", ".join(names) or "none"


def _refusal(folder: Path, what: str) -> SnapshotRefused:
    return SnapshotRefused(f"index {folder.name} is refused: {what}; run: fiducia ingest kb/")
