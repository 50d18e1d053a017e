from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from services.retrieval.chunk import passages_of
from services.retrieval.encoder import Encoder
from services.retrieval.ingest.library import read_documents
from services.retrieval.ingest.limits import Strictest
from services.retrieval.jieba_segmenter import JiebaSegmenter
from services.retrieval.lexical import WordIndex
from services.retrieval.names import ProductNames
from services.retrieval.passage import Passage

KB = Path(__file__).parents[3] / "kb"


@pytest.fixture(scope="module")
def passages(opened: list[Encoder]) -> list[Passage]:
    counter = Strictest(opened)
    return [passage for document in read_documents(KB) for passage in passages_of(document, counter)]


@pytest.fixture(scope="module")
def words(passages: list[Passage], segmenter: JiebaSegmenter) -> WordIndex:
    return WordIndex.build([passage.lexical_text for passage in passages], segmenter)


def test_no_passage_exceeds_what_an_encoder_reads_whole(passages: list[Passage], opened: list[Encoder]) -> None:
    for encoder in opened:
        assert max(encoder.count_tokens(one.embedding_text) for one in passages) <= encoder.token_limit


def test_passage_ids_are_unique(passages: list[Passage]) -> None:
    assert len({passage.id for passage in passages}) == len(passages) >= 500


def test_no_passage_of_ours_reads_like_an_instruction_to_a_model(passages: list[Passage]) -> None:
    assert [passage.id for passage in passages if passage.flags] == []


def test_every_product_is_named_by_its_id(passages: list[Passage]) -> None:
    documents = {passage.document for passage in passages}
    products = sorted({document.product_id for document in documents} - {""})
    names = ProductNames(documents)

    assert [names.named(f"How safe is {product}?") for product in products] == [{product} for product in products]
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
    scores = words.shares(question)

    best = max(
        (number for number, passage in enumerate(passages) if passage.document.language == "zh"), key=scores.__getitem__
    )

    assert passages[best].document.id == document


def test_guides_are_dated(passages: list[Passage]) -> None:
    guides = {passage.document for passage in passages if not passage.document.product_id}

    assert all(guide.effective and guide.effective >= date(2026, 1, 1) for guide in guides)
