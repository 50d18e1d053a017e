"""Which document a file that cannot be read was: the earlier version of it is not to be lost for that."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from services.retrieval.formats.extract import Unreadable
from services.retrieval.formats.limits import LARGEST_FILE, LONGEST_HEADER
from services.retrieval.ingest.folder import read_bytes, sidecar_of
from services.retrieval.ingest.imported import MARKDOWN, id_of

# A line of a header that states the id; the header as a whole may be no YAML.
_ID_LINE = re.compile(r"^id:[ \t]*[\"']?([A-Za-z0-9._-]+)", re.MULTILINE)


def meant_ids(root: Path, path: Path) -> frozenset[str]:
    """Return the ids that the document in a file may have: that of its path, and those that its headers state."""
    headers = [sidecar_of(path)] + ([path] if path.suffix.lower() in MARKDOWN else [])
    stated = [found for header in headers if (found := _stated_id(header))]
    return frozenset((id_of(PurePosixPath(path.relative_to(root).as_posix())), *stated))


def _stated_id(path: Path) -> str:
    try:
        content = read_bytes(path, LARGEST_FILE)
    except Unreadable:
        return ""
    found = _ID_LINE.search(content[:LONGEST_HEADER].decode("utf-8-sig", "replace"))
    return found[1] if found else ""
