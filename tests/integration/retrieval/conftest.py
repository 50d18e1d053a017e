from __future__ import annotations

from pathlib import Path

import pytest

from services.retrieval.embedder import SentenceEmbedder
from services.retrieval.ingest.build import Builder
from services.retrieval.ingest.library import read_documents
from services.retrieval.jieba_segmenter import JiebaSegmenter
from services.retrieval.model_folder import EMBEDDED, ModelFolder, find_model
from tests.unit.retrieval.samples import write_kb


@pytest.fixture(scope="session")
def model() -> ModelFolder:
    return find_model(EMBEDDED)


@pytest.fixture(scope="session")
def embedder(model: ModelFolder) -> SentenceEmbedder:
    return SentenceEmbedder(model, device="cpu")


@pytest.fixture(scope="session")
def segmenter() -> JiebaSegmenter:
    return JiebaSegmenter()


@pytest.fixture
def small_builder(tmp_path: Path, model: ModelFolder, embedder: SentenceEmbedder, segmenter: JiebaSegmenter) -> Builder:
    """A builder over the real model that writes to tmp_path/index."""
    return Builder(
        root=tmp_path / "index",
        model=model,
        open_embedder=lambda: embedder,
        open_segmenter=lambda: segmenter,
        languages=("en",),
        workers=2,
        tell=lambda event, numbers: None,
    )


@pytest.fixture
def first_index(small_builder: Builder, tmp_path: Path) -> str:
    """The id of an index of a small knowledge base in tmp_path/kb."""
    return small_builder.build(read_documents(write_kb(tmp_path / "kb")))
