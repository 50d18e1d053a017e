"""One import: `python -m services.retrieval.ingest.job FOLDER ROOT PLAN`, run by the service in a process of its own.

FOLDER holds the uploaded files, ROOT the snapshots, PLAN is a file that `Plan.to_json` wrote. Progress goes to standard
output as JSON lines; what stops it goes to standard error, with exit status 2, or a status of its own where the store
for vectors does not answer or the disk takes no more. Whoever runs it holds the import lock. A process that ends early
leaves the active snapshot as it was: a snapshot appears whole or not at all, and is activated last.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

# Before a library reads them: passages are embedded in parallel by threads of our own, each with one of its own.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from services.retrieval.encoder import ModelMissing
from services.retrieval.encoders.chosen import find_encoders
from services.retrieval.import_process import NO_ROOM, UNAVAILABLE
from services.retrieval.ingest.build import Builder
from services.retrieval.ingest.collections import documents_of_active
from services.retrieval.ingest.documents import FolderRead, read_folder
from services.retrieval.ingest.merge import Merged, merged
from services.retrieval.ingest.plan import Plan
from services.retrieval.ingest.publish import publish
from services.retrieval.ingest.refused import files_refused, refusals
from services.retrieval.jieba_segmenter import JiebaSegmenter
from services.retrieval.settings import RetrievalSettings
from services.retrieval.snapshot_folder import read_passages_of
from services.retrieval.vector_store import store_for
from shared.builder import exit_status, tell
from shared.errors import UpstreamUnavailable
from shared.logs import configure_logs
from shared.problems import KnowledgeBaseError, Problem
from shared.snapshots import active_digest


def main(arguments: Sequence[str]) -> int:
    """Import and return 0; print what stops it on standard error and return 2, UNAVAILABLE or NO_ROOM."""
    folder, root, plan = map(Path, arguments)
    configure_logs("import", "WARNING")
    try:
        return exit_status(lambda: _guarded(folder, root, Plan.from_json(plan.read_text())), root, (ModelMissing,))
    except UpstreamUnavailable as error:
        print(error, file=sys.stderr)
        return UNAVAILABLE
    except _NoRoom as error:
        print(error, file=sys.stderr)
        return NO_ROOM


class _NoRoom(Exception):
    """The snapshot cannot be written."""


def _guarded(folder: Path, root: Path, plan: Plan) -> None:
    try:
        _import(folder, root, plan)
    except OSError as error:
        # Without the path: it is the server's, and nothing that was sent can be corrected for it.
        raise _NoRoom(f"the index cannot be written ({error.strerror}); free space or correct its access") from error


def _import(folder: Path, root: Path, plan: Plan) -> None:
    settings = RetrievalSettings()
    existing = documents_of_active(root)
    read = read_folder(folder, plan.defaults, lambda done, of: tell("reading", {"done": done, "of": of}))
    unread = frozenset(key for one in read.rejected for key in one.ids)
    after = merged(existing, read.documents, plan.collection, plan.mode, plan.delete_document_ids, unread)
    for fault in refusals(read, after, plan.collection):
        tell("rejected", {"path": fault.file, "field": fault.field, "description": fault.reason})
    if not after.documents:
        raise KnowledgeBaseError([Problem("", "", "the index would hold no document; send one that can be read")])
    found = find_encoders(settings.retrieval_encoders)
    store = store_for(settings)
    digest = Builder(root, found, JiebaSegmenter, settings.retrieval_workers, tell, store).build(after.documents)
    publish(root, digest, store, settings.retrieval_snapshots_on_disk, is_activated=plan.activate)
    tell("done", _outcome(root, digest, after, read))


def _outcome(root: Path, digest: str, after: Merged, read: FolderRead) -> dict[str, object]:
    passages = read_passages_of(root / digest)
    return {
        "digest": digest,
        "active": active_digest(root) == digest,
        "added": len(after.added),
        "changed": len(after.changed),
        "deleted": len(after.deleted),
        "unchanged": len(after.unchanged),
        "rejected": files_refused(read, after),
        "passages": len(passages),
        "flagged": sum(bool(one.flags) for one in passages if one.document.id in after.taken),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
