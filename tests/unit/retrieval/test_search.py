from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from services.retrieval.filters import PassageFilter
from services.retrieval.passage import Document
from services.retrieval.search import Query, Snapshot, embed_questions, search
from services.retrieval.snapshot_folder import load_snapshot
from tests.unit.retrieval.samples import CSI300, GUIDE, LIBRARY, MODEL, VTI, CountingEmbedder, builder, by_character

TODAY = date(2026, 11, 22)


def snapshot_of(folder: Path, documents: tuple[Document, ...] = LIBRARY) -> Snapshot:
    ordered = sorted(documents, key=lambda document: document.id)
    return load_snapshot(folder / builder(folder).build(ordered), MODEL.name, MODEL.digest, by_character)


def ids(snapshot: Snapshot, text: str, limit: int = 10, wanted: PassageFilter | None = None) -> list[str]:
    (hits,) = search(snapshot, CountingEmbedder(), [Query(text, limit, TODAY, wanted or PassageFilter())])
    return [hit.passage.document.id for hit in hits]


def test_the_passage_that_answers_comes_first(tmp_path: Path) -> None:
    snapshot = snapshot_of(tmp_path)

    (hits,) = search(snapshot, CountingEmbedder(), [Query("why do bond prices fall when yields rise", 3, TODAY)])

    assert hits[0].passage.text == "Bond prices fall when yields rise."
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_a_chinese_question_is_answered_by_words_alone(tmp_path: Path) -> None:
    snapshot = snapshot_of(tmp_path)
    embedder = CountingEmbedder()

    (hits,) = search(snapshot, embedder, [Query("适合什么投资者", 3, TODAY)])

    assert hits[0].passage.text == "适合投资期限较长的投资者。"
    assert embedder.batches == []


def test_a_chinese_question_without_a_shared_word_finds_nothing(tmp_path: Path) -> None:
    assert ids(snapshot_of(tmp_path), "黄金") == []


def test_passages_without_a_vector_are_found_by_words_in_english_too(tmp_path: Path) -> None:
    assert ids(snapshot_of(tmp_path), "tell me all about ETF 510300", 1) == [CSI300.id]


def test_a_product_named_by_its_id_comes_before_all_others(tmp_path: Path) -> None:
    other = replace(VTI, id="VOO-factsheet-en", product_id="VOO", title="VTI VTI VTI fund like VTI")
    snapshot = snapshot_of(tmp_path, (*LIBRARY, other))

    assert ids(snapshot, "What can go wrong with VTI?", 2) == [VTI.id, VTI.id]
    assert ids(snapshot, "510300ETF适合谁", 1) == [CSI300.id]


def test_a_ticker_within_a_word_or_in_lower_case_is_no_name(tmp_path: Path) -> None:
    snapshot = snapshot_of(tmp_path)

    (hits,) = search(snapshot, CountingEmbedder(), [Query("vti activation XVTIX 1510300", 10, TODAY)])

    assert all(hit.score <= 1 for hit in hits)


def test_only_passages_that_match_the_filter_are_returned(tmp_path: Path) -> None:
    wanted = PassageFilter(product_ids=frozenset({"VTI"}))

    assert set(ids(snapshot_of(tmp_path), "bond prices and yields", wanted=wanted)) == {VTI.id}


def test_a_filter_that_lets_nothing_through_gives_no_hits(tmp_path: Path) -> None:
    assert ids(snapshot_of(tmp_path), "bonds", wanted=PassageFilter(product_ids=frozenset({"NONE"}))) == []


def test_equal_scores_stand_in_the_order_of_passage_ids(tmp_path: Path) -> None:
    twins = tuple(replace(GUIDE, id=f"en-{name}") for name in ("c", "a", "b"))

    (hits,) = search(snapshot_of(tmp_path, twins), CountingEmbedder(), [Query("bond prices", 6, TODAY)])

    assert len({hit.score for hit in hits[:3]}) == 1
    assert [hit.passage.document.id for hit in hits[:3]] == ["en-a", "en-b", "en-c"]


def test_a_batch_gives_what_its_questions_give_alone_and_embeds_once(tmp_path: Path) -> None:
    snapshot = snapshot_of(tmp_path)
    queries = [Query(text, 4, TODAY) for text in ("bond prices", "适合谁", "listed companies", "what is a horizon")]
    embedder = CountingEmbedder()

    together = search(snapshot, embedder, queries)

    alone = [search(snapshot, CountingEmbedder(), [query])[0] for query in queries]
    assert together == alone
    assert len(embedder.batches) == 1


def test_a_question_beyond_the_token_limit_is_embedded_in_parts_and_none_is_cut_off() -> None:
    embedder = CountingEmbedder(token_limit=6)
    text = "Bond prices fall. Yields rise again. Gold shines."

    (vector,) = embed_questions(embedder, [text])

    assert " ".join(embedder.batches[0]) == text
    assert float(np.linalg.norm(vector)) == pytest.approx(1.0)
