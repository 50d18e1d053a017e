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

from services.retrieval.encoder import Encoder, FoundEncoder, ModelMissing
from services.retrieval.encoders.chosen import find_encoders
from services.retrieval.jieba_segmenter import JiebaSegmenter
from services.retrieval.loading import Loading
from services.retrieval.parts import Parts
from services.retrieval.quarantine import Quarantine
from services.retrieval.query_cache import QueryCache
from services.retrieval.relevance_file import relevance_for
from services.retrieval.servicer import SERVICE, RetrievalServicer
from services.retrieval.serving_encoder import ServingEncoder
from services.retrieval.settings import RetrievalSettings
from services.retrieval.shelf import SnapshotShelf
from services.retrieval.snapshot import Snapshot
from services.retrieval.snapshot_folder import load_snapshot
from services.retrieval.vector_store import store_for
from services.retrieval.workers import Workers
from shared.logs import configure_logs
from shared.server import serve

log = logging.getLogger("services.retrieval")

_MISCONFIGURED = 2


def main() -> int:
    """Serve until told to stop; return 2 where an encoder or the relevance model cannot be had."""
    settings = RetrievalSettings()
    configure_logs("retrieval", settings.log_level)
    try:
        asyncio.run(_serve(settings, find_encoders(settings.retrieval_encoders)))
    except ModelMissing as error:
        log.error("model missing", extra={"reason": str(error)})
        return _MISCONFIGURED
    return 0


async def _serve(settings: RetrievalSettings, found: tuple[FoundEncoder, ...]) -> None:
    segmenter = cache(JiebaSegmenter)
    relevance = relevance_for([one.name for one in found], settings.retrieval_relevance_model)

    store = store_for(settings)

    def load(folder: Path) -> Snapshot:
        return load_snapshot(folder, found, segmenter(), store)

    root = settings.data_dir / "index"
    workers = Workers(settings.retrieval_workers, settings.retrieval_queue)
    shelf = SnapshotShelf(root, load, settings.retrieval_kept_snapshots)
    loading = Loading(shelf, lambda: _open(found, settings), settings.retrieval_poll_seconds)
    quarantine, reranks = Quarantine(root), settings.retrieval_rerank
    servicer = RetrievalServicer(Parts(root, shelf, loading.encoders, workers, _today, relevance, quarantine, reranks))

    async def close() -> None:
        await loading.close()
        await asyncio.to_thread(workers.close)

    await serve(
        SERVICE, lambda server: add_RetrievalServiceServicer_to_server(servicer, server), settings, loading.load, close
    )


def _open(found: tuple[FoundEncoder, ...], settings: RetrievalSettings) -> list[Encoder]:
    cache = QueryCache(settings.retrieval_cached_queries)
    opened: list[Encoder] = []
    for one in found:
        encoder = one.open()
        # On a GPU questions that wait go in one call; on a CPU each worker encodes its own, which is as fast.
        on_gpu = getattr(encoder, "device", "cpu") != "cpu"
        opened.append(ServingEncoder(encoder, cache, 1 if on_gpu else settings.retrieval_workers))
        log.info("encoder loaded", extra={"encoder": one.name, "digest": one.digest})
    return opened


def _today() -> date:
    return datetime.now(UTC).date()


if __name__ == "__main__":
    sys.exit(main())
