"""Build the text index.

`python -m services.retrieval.ingest KB OUT [--overlay DIR] [--no-activate] [--encoders NAMES]`
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

# Before a library reads them: passages are embedded in parallel by threads of our own, each with one of its own.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from services.retrieval.encoder import ModelMissing
from services.retrieval.encoders.chosen import find_encoders
from services.retrieval.ingest.build import Builder
from services.retrieval.ingest.collections import with_other_collections
from services.retrieval.ingest.library import read_documents
from services.retrieval.ingest.publish import publish
from services.retrieval.jieba_segmenter import JiebaSegmenter
from services.retrieval.locked import IMPORT_LOCK, locked
from services.retrieval.manifest import read_manifest
from services.retrieval.passage import KNOWLEDGE_BASE
from services.retrieval.settings import RetrievalSettings
from services.retrieval.sweep import sweep
from services.retrieval.vector_store import store_for
from shared.builder import exit_status, tell
from shared.errors import UpstreamUnavailable
from shared.logs import configure_logs


def main(arguments: list[str]) -> int:
    """Print progress as JSON lines and return 0; list problems on standard error and return 2."""
    asked = _parser().parse_args(arguments)
    configure_logs("ingest", "WARNING")
    return exit_status(lambda: _ingest(**vars(asked)), asked.out, (ModelMissing, UpstreamUnavailable))


def _ingest(kb: Path, out: Path, overlay: Path | None, is_activated: bool, encoders: str | None) -> None:
    started = time.perf_counter()
    settings = RetrievalSettings.model_validate({"retrieval_encoders": encoders} if encoders else {})
    documents = read_documents(kb, overlay)
    tell("read", {"documents": len(documents)})
    found = find_encoders(settings.retrieval_encoders)
    store = store_for(settings)
    # An import by the service reads and writes the same snapshots; the second comes after the first.
    with locked(out / IMPORT_LOCK):
        sweep(out)
        everything = with_other_collections(out, documents, KNOWLEDGE_BASE)
        digest = Builder(out, found, JiebaSegmenter, settings.retrieval_workers, tell, store).build(everything)
        publish(out, digest, store, settings.retrieval_snapshots_on_disk, is_activated=is_activated)
    manifest = read_manifest(out / digest)
    counts = {"documents": manifest.document_count, "passages": manifest.passage_count}
    names = ", ".join(one.name for one in found)
    seconds = round(time.perf_counter() - started, 1)
    tell("done", {"digest": digest, **counts, "encoders": names, "active": is_activated, "seconds": seconds})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m services.retrieval.ingest", description="Build the text index.")
    parser.add_argument("kb", type=Path, help="folder of the knowledge base")
    parser.add_argument("out", type=Path, help="folder of indexes, data_dir/index of the service")
    parser.add_argument("--overlay", type=Path, help="folder whose documents replace those of the same id")
    parser.add_argument(
        "--no-activate", dest="is_activated", action="store_false", help="leave the active index as it is"
    )
    parser.add_argument("--encoders", help="encoders instead of the setting's, such as BAAI/bge-m3:en+zh")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
