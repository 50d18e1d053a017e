"""One import: `python -m services.retrieval.ingest.job FOLDER ROOT PLAN`, run by the service in a process of its own.

FOLDER holds the uploaded files, ROOT the snapshots, PLAN is a file that `Plan.to_json` wrote. Progress goes to standard
output as JSON lines; what stops it goes to standard error, with exit status 2. A process that ends early leaves the
active snapshot as it was: a snapshot appears whole or not at all, and is activated last.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

# Before a library reads them: passages are embedded in parallel by threads of our own, each with one of its own.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from services.retrieval.encoder import ModelMissing
from services.retrieval.encoders.chosen import find_encoders
from services.retrieval.import_process import UNAVAILABLE
from services.retrieval.ingest.build import Builder
from services.retrieval.ingest.collections import documents_of_active
from services.retrieval.ingest.documents import read_folder
from services.retrieval.ingest.merge import Merged, merged
from services.retrieval.ingest.plan import Plan
from services.retrieval.jieba_segmenter import JiebaSegmenter
from services.retrieval.prune import prune
from services.retrieval.settings import RetrievalSettings
from services.retrieval.snapshot_folder import read_passages_of
from services.retrieval.vector_store import store_for
from shared.builder import exit_status, tell
from shared.errors import UpstreamUnavailable
from shared.logs import configure_logs
from shared.problems import Problem
from shared.snapshots import activate, active_digest


def main(arguments: Sequence[str]) -> int:
    """Import and return 0; print what stops it on standard error and return 2.

    Returns UNAVAILABLE where the store for vectors does not answer.
    """
    folder, root, plan = map(Path, arguments)
    configure_logs("import", "WARNING")
    try:
        return exit_status(lambda: _import(folder, root, Plan.from_json(plan.read_text())), root, (ModelMissing,))
    except UpstreamUnavailable as error:
        print(error, file=sys.stderr)
        return UNAVAILABLE


def _import(folder: Path, root: Path, plan: Plan) -> None:
    settings = RetrievalSettings()
    sent, rejected = read_folder(folder, plan.defaults, lambda done, of: tell("reading", {"done": done, "of": of}))
    after = merged(documents_of_active(root), sent, plan.collection, plan.mode, plan.delete_document_ids)
    rejected += after.refused
    _tell_rejected(folder, rejected)
    found = find_encoders(settings.retrieval_encoders)
    store = store_for(settings)
    digest = Builder(root, found, JiebaSegmenter, settings.retrieval_workers, tell, store).build(after.documents)
    if plan.activate:
        activate(root, digest)
    for removed in prune(root, settings.retrieval_snapshots_on_disk, keep=digest):
        store.drop(removed)
    tell("done", _outcome(root, digest, after, {one.id for one in sent}, len(rejected)))


def _tell_rejected(folder: Path, rejected: Iterable[Problem]) -> None:
    for problem in rejected:
        path = problem.file.removeprefix(f"{folder.resolve().name}/")
        tell("rejected", {"path": path, "field": problem.field, "description": problem.reason})


def _outcome(root: Path, digest: str, after: Merged, sent: set[str], rejected: int) -> dict[str, object]:
    passages = read_passages_of(root / digest)
    return {
        "digest": digest,
        "active": active_digest(root) == digest,
        "added": len(after.added),
        "changed": len(after.changed),
        "deleted": len(after.deleted),
        "unchanged": len(after.unchanged),
        "rejected": rejected,
        "passages": len(passages),
        "flagged": sum(bool(one.flags) for one in passages if one.document.id in sent),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
