"""The retrieval service: `python -m services.retrieval`."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

# Before a library reads them: on a busy machine several threads for one query only wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from fiducia.retrieval.v1.retrieval_service_pb2_grpc import add_RetrievalServiceServicer_to_server

from services.retrieval.jieba_segmenter import JiebaSegmenter
from services.retrieval.loading import Loading
from services.retrieval.model_folder import ModelFolder, ModelMissing, find_model
from services.retrieval.search import QueryEmbedder, Snapshot
from services.retrieval.servicer import SERVICE, RetrievalServicer
from services.retrieval.settings import RetrievalSettings
from services.retrieval.shelf import SnapshotShelf
from services.retrieval.snapshot_folder import load_snapshot
from services.retrieval.workers import Workers
from shared.logs import configure_logs
from shared.server import serve

log = logging.getLogger("services.retrieval")

_MISCONFIGURED = 2


def main() -> int:
    """Serve until told to stop; return 2 where the embedding model cannot be had."""
    settings = RetrievalSettings()
    configure_logs("retrieval", settings.log_level)
    try:
        asyncio.run(_serve(settings, find_model(settings.retrieval_embedder)))
    except ModelMissing as error:
        log.error("embedding model missing", extra={"reason": str(error)})
        return _MISCONFIGURED
    return 0


async def _serve(settings: RetrievalSettings, model: ModelFolder) -> None:
    segmenter = cache(JiebaSegmenter)

    def load(folder: Path) -> Snapshot:
        return load_snapshot(folder, model.name, model.digest, segmenter())

    root = settings.data_dir / "index"
    workers = Workers(settings.retrieval_workers, settings.retrieval_queue)
    shelf = SnapshotShelf(root, load, settings.retrieval_kept_snapshots)
    loading = Loading(shelf, lambda: _load_embedder(model), settings.retrieval_poll_seconds)
    servicer = RetrievalServicer(root, shelf, loading.embedder, workers, _today, settings.retrieval_dense_weight)

    async def close() -> None:
        await loading.close()
        await asyncio.to_thread(workers.close)

    await serve(
        SERVICE, lambda server: add_RetrievalServiceServicer_to_server(servicer, server), settings, loading.load, close
    )


def _load_embedder(model: ModelFolder) -> QueryEmbedder:
    # Imported here: the model library takes seconds, in which the port already answers health checks.
    from services.retrieval.embedder import SentenceEmbedder

    embedder = SentenceEmbedder(model)
    about = {"embedder": model.name, "digest": model.digest, "device": embedder.device}
    log.info("embedder loaded", extra=about)
    return embedder


def _today() -> date:
    return datetime.now(UTC).date()


if __name__ == "__main__":
    sys.exit(main())
