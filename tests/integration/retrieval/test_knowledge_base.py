from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from services.retrieval.chunk import passages_of
from services.retrieval.embedder import SentenceEmbedder
from services.retrieval.faiss_index import FaissIndex
from services.retrieval.filters import FilterTable
from services.retrieval.ingest.library import read_documents
from services.retrieval.jieba_segmenter import JiebaSegmenter
from services.retrieval.lexical import WordIndex
from services.retrieval.manifest import Manifest
from services.retrieval.passage import Passage
from services.retrieval.search import Query, Snapshot, search

KB = Path(__file__).parents[3] / "kb"


@pytest.fixture(scope="module")
def passages(embedder: SentenceEmbedder) -> list[Passage]:
    return [passage for document in read_documents(KB) for passage in passages_of(document, embedder)]


@pytest.fixture(scope="module")
def words(passages: list[Passage], segmenter: JiebaSegmenter) -> WordIndex:
    return WordIndex.build([passage.lexical_text for passage in passages], segmenter)


def without_vectors(passages: list[Passage], words: WordIndex) -> Snapshot:
    """Return a snapshot that is searched by words: embedding the whole knowledge base takes half a minute."""
    empty = FaissIndex.build(np.empty(0, dtype=np.int64), np.empty((0, 384), dtype=np.float32))
    manifest = Manifest("none", "0" * 64, 384, ("en",), len(passages), 1, "0" * 64, {})
    products = frozenset(passage.document.product_id for passage in passages) - {""}
    return Snapshot("0" * 64, manifest, tuple(passages), FilterTable(passages), empty, words, products)


def test_no_passage_exceeds_what_the_embedder_reads_whole(passages: list[Passage], embedder: SentenceEmbedder) -> None:
    longest = max(embedder.count_tokens(passage.embedding_text) for passage in passages)

    assert longest <= embedder.token_limit


def test_passage_ids_are_unique(passages: list[Passage]) -> None:
    assert len({passage.id for passage in passages}) == len(passages) >= 500


def test_no_passage_of_ours_reads_like_an_instruction_to_a_model(passages: list[Passage]) -> None:
    assert [passage.id for passage in passages if passage.flags] == []


def test_every_product_is_found_by_its_id(
    passages: list[Passage], words: WordIndex, embedder: SentenceEmbedder
) -> None:
    products = sorted({passage.document.product_id for passage in passages} - {""})
    snapshot = without_vectors(passages, words)
    queries = [Query(f"How safe is {product}?", 3, date(2026, 11, 22)) for product in products]

    found = search(snapshot, embedder, queries)

    assert [{hit.passage.document.product_id for hit in hits} for hits in found] == [{product} for product in products]
    assert len(products) >= 60


@pytest.mark.parametrize(
    ("question", "document"),
    [
        ("久期是什么意思？", "zh-duration"),
        ("应急资金应该留多少", "zh-emergency-fund"),
        ("再平衡多久做一次", "zh-rebalancing"),
        ("创业板ETF有什么风险", "159915-factsheet-zh"),
        ("510300适合谁", "510300-factsheet-zh"),
        ("红利策略的特征", "zh-dividend-strategy"),
    ],
)
def test_a_chinese_question_finds_its_document(
    question: str, document: str, passages: list[Passage], words: WordIndex
) -> None:
    scores = words.scores(question)

    best = max(
        (number for number, passage in enumerate(passages) if passage.document.language == "zh"), key=scores.__getitem__
    )

    assert passages[best].document.id == document


def test_guides_are_dated(passages: list[Passage]) -> None:
    guides = {passage.document for passage in passages if not passage.document.product_id}

    assert all(guide.effective and guide.effective >= date(2026, 1, 1) for guide in guides)
