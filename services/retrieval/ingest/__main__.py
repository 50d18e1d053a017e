"""Build the text index.

`python -m services.retrieval.ingest KB OUT [--overlay DIR] [--no-activate] [--embedder NAME]`
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

from services.retrieval.ingest.build import Builder
from services.retrieval.ingest.library import read_documents
from services.retrieval.ingest.vectors import DocumentEmbedder
from services.retrieval.jieba_segmenter import JiebaSegmenter
from services.retrieval.manifest import read_manifest
from services.retrieval.model_folder import ModelFolder, ModelMissing, find_model
from services.retrieval.settings import RetrievalSettings
from shared.builder import exit_status, tell
from shared.logs import configure_logs
from shared.snapshots import activate


def main(arguments: list[str]) -> int:
    """Print progress as JSON lines and return 0; list problems on standard error and return 2."""
    asked = _parser().parse_args(arguments)
    configure_logs("ingest", "WARNING")
    return exit_status(lambda: _ingest(**vars(asked)), asked.out, (ModelMissing,))


def _ingest(kb: Path, out: Path, overlay: Path | None, is_activated: bool, embedder: str | None) -> None:
    started = time.perf_counter()
    settings = RetrievalSettings()
    documents = read_documents(kb, overlay)
    tell("read", {"documents": len(documents)})
    model = find_model(embedder or settings.retrieval_embedder)
    builder = Builder(
        root=out,
        model=model,
        open_embedder=lambda: _open_embedder(model),
        open_segmenter=JiebaSegmenter,
        languages=settings.retrieval_embedder_languages,
        workers=settings.retrieval_workers,
        tell=tell,
    )
    digest = builder.build(documents)
    if is_activated:
        activate(out, digest)
    manifest = read_manifest(out / digest)
    counts = {"documents": manifest.document_count, "passages": manifest.passage_count}
    seconds = round(time.perf_counter() - started, 1)
    tell("done", {"digest": digest, **counts, "embedder": model.name, "active": is_activated, "seconds": seconds})


def _open_embedder(model: ModelFolder) -> DocumentEmbedder:
    # Imported here: the model library takes seconds, and an unchanged knowledge base does not need it.
    from services.retrieval.embedder import SentenceEmbedder

    return SentenceEmbedder(model)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m services.retrieval.ingest", description="Build the text index.")
    parser.add_argument("kb", type=Path, help="folder of the knowledge base")
    parser.add_argument("out", type=Path, help="folder of indexes, data_dir/index of the service")
    parser.add_argument("--overlay", type=Path, help="folder whose documents replace those of the same id")
    parser.add_argument(
        "--no-activate", dest="is_activated", action="store_false", help="leave the active index as it is"
    )
    parser.add_argument("--embedder", help="embedding model instead of the setting's")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
