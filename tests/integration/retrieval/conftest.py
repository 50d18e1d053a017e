from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path

import pytest
from fiducia.retrieval.v1 import retrieval_service_pb2_grpc as pb_grpc

from services.retrieval.encoder import Encoder, FoundEncoder
from services.retrieval.encoders.chosen import find_encoders
from services.retrieval.ingest.build import Builder
from services.retrieval.ingest.library import read_documents
from services.retrieval.jieba_segmenter import JiebaSegmenter
from services.retrieval.loading import Loading
from services.retrieval.parts import Parts
from services.retrieval.quarantine import Quarantine
from services.retrieval.relevance_file import relevance_for
from services.retrieval.servicer import RetrievalServicer
from services.retrieval.settings import EMBEDDED_ENCODERS
from services.retrieval.shelf import SnapshotShelf
from services.retrieval.snapshot_folder import load_snapshot
from services.retrieval.workers import Workers
from shared.snapshots import activate
from tests.serving import running
from tests.unit.retrieval.samples import write_kb

TODAY = date(2026, 11, 22)


@pytest.fixture(scope="session")
def encoders() -> tuple[FoundEncoder, ...]:
    """The embedded encoders; each is loaded once, when it is first opened."""
    return tuple(replace(found, open=cache(found.open)) for found in find_encoders(EMBEDDED_ENCODERS))


@pytest.fixture(scope="session")
def opened(encoders: tuple[FoundEncoder, ...]) -> list[Encoder]:
    return [found.open() for found in encoders]


@pytest.fixture(scope="session")
def segmenter() -> JiebaSegmenter:
    return JiebaSegmenter()


@pytest.fixture
def small_builder(tmp_path: Path, encoders: tuple[FoundEncoder, ...], segmenter: JiebaSegmenter) -> Builder:
    """A builder over the real encoders that writes to tmp_path/index."""
    return Builder(
        root=tmp_path / "index",
        encoders=encoders,
        open_segmenter=lambda: segmenter,
        workers=2,
        tell=lambda event, numbers: None,
    )


@pytest.fixture
def first_index(small_builder: Builder, tmp_path: Path) -> str:
    """The id of an index of a small knowledge base in tmp_path/kb."""
    return small_builder.build(read_documents(write_kb(tmp_path / "kb")))


@pytest.fixture
async def stub(
    tmp_path: Path,
    first_index: str,
    encoders: tuple[FoundEncoder, ...],
    opened: list[Encoder],
    segmenter: JiebaSegmenter,
) -> AsyncIterator[pb_grpc.RetrievalServiceAsyncStub]:
    """A service over an index of the small knowledge base, which follows the pointer."""
    root = tmp_path / "index"
    activate(root, first_index)
    shelf = SnapshotShelf(root, lambda folder: load_snapshot(folder, encoders, segmenter), kept=1)
    loading = Loading(shelf, lambda: opened, poll_seconds=0.02)
    workers = Workers(2, 64)
    relevance = relevance_for([one.name for one in encoders], None)
    servicer = RetrievalServicer(
        Parts(root, shelf, loading.encoders, workers, lambda: TODAY, relevance, Quarantine(root))
    )
    await loading.load()
    async with running(lambda server: pb_grpc.add_RetrievalServiceServicer_to_server(servicer, server)) as channel:
        yield pb_grpc.RetrievalServiceStub(channel)
    await loading.close()
    workers.close()
