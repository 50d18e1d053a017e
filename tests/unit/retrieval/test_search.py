from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from services.retrieval.encoder import FoundEncoder
from services.retrieval.filters import PassageFilter
from services.retrieval.passage import Document, TrustLevel
from services.retrieval.questions import embed_questions
from services.retrieval.relevance import UNTAUGHT
from services.retrieval.search import Engine, Query, search
from services.retrieval.snapshot import Snapshot
from services.retrieval.snapshot_folder import load_snapshot
from tests.unit.retrieval.samples import (
    CSI300,
    ENCODERS,
    GUIDE,
    LIBRARY,
    VTI,
    CountingEmbedder,
    builder,
    by_character,
    found,
)

TODAY = date(2026, 11, 22)


def snapshot_of(folder: Path, documents: tuple[Document, ...] = LIBRARY) -> Snapshot:
    ordered = sorted(documents, key=lambda document: document.id)
    return load_snapshot(folder / builder(folder).build(ordered), ENCODERS, by_character)


def engine(*embedders: CountingEmbedder) -> Engine:
    return Engine(embedders or (CountingEmbedder(),), UNTAUGHT)


def ids(snapshot: Snapshot, text: str, limit: int = 10, wanted: PassageFilter | None = None) -> list[str]:
    (answer,) = search(snapshot, engine(), [Query(text, limit, TODAY, wanted or PassageFilter())])
    return [hit.passage.document.id for hit in answer.hits]


def test_the_passage_that_answers_comes_first(tmp_path: Path) -> None:
    snapshot = snapshot_of(tmp_path)

    (answer,) = search(snapshot, engine(), [Query("why do bond prices fall when yields rise", 3, TODAY)])

    assert answer.hits[0].passage.text == "Bond prices fall when yields rise."
    assert [hit.score for hit in answer.hits] == sorted((hit.score for hit in answer.hits), reverse=True)


def test_a_chinese_question_is_answered_by_words_alone(tmp_path: Path) -> None:
    snapshot = snapshot_of(tmp_path)
    embedder = CountingEmbedder()

    (answer,) = search(snapshot, engine(embedder), [Query("适合什么投资者", 3, TODAY)])

    assert answer.hits[0].passage.text == "适合投资期限较长的投资者。"
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

    (answer,) = search(snapshot, engine(), [Query("vti activation XVTIX 1510300", 10, TODAY)])

    assert all(hit.score <= 1 for hit in answer.hits)


def test_only_passages_that_match_the_filter_are_returned(tmp_path: Path) -> None:
    wanted = PassageFilter(product_ids=frozenset({"VTI"}))

    assert set(ids(snapshot_of(tmp_path), "bond prices and yields", wanted=wanted)) == {VTI.id}


def test_a_filter_that_lets_nothing_through_gives_no_hits(tmp_path: Path) -> None:
    assert ids(snapshot_of(tmp_path), "bonds", wanted=PassageFilter(product_ids=frozenset({"NONE"}))) == []


def test_equal_scores_stand_in_the_order_of_passage_ids(tmp_path: Path) -> None:
    # The same words in another order: equal by words and by the counting embedder, and no copies of each other.
    texts = {"c": "bond prices fall while rates rise", "a": "rates rise while bond prices fall"}
    twins = tuple(replace(GUIDE, id=f"en-{name}", text=text) for name, text in texts.items())

    (answer,) = search(snapshot_of(tmp_path, twins), engine(), [Query("bond prices", 6, TODAY)])

    assert len({hit.score for hit in answer.hits}) == 1
    assert [hit.passage.document.id for hit in answer.hits] == ["en-a", "en-c"]


def test_a_batch_gives_what_its_questions_give_alone_and_embeds_once(tmp_path: Path) -> None:
    snapshot = snapshot_of(tmp_path)
    queries = [Query(text, 4, TODAY) for text in ("bond prices", "适合谁", "listed companies", "what is a horizon")]
    embedder = CountingEmbedder()

    together = search(snapshot, engine(embedder), queries)

    alone = [search(snapshot, engine(), [query])[0] for query in queries]
    assert together == alone
    assert len(embedder.batches) == 1


def test_a_question_beyond_the_token_limit_is_embedded_in_parts_and_none_is_cut_off() -> None:
    embedder = CountingEmbedder(token_limit=6)
    text = "Bond prices fall. Yields rise again. Gold shines."

    (vector,) = embed_questions(embedder, [text])

    assert " ".join(embedder.batches[0]) == text
    assert float(np.linalg.norm(vector)) == pytest.approx(1.0)


def bilingual(folder: Path, documents: tuple[Document, ...], *encoders: FoundEncoder) -> Snapshot:
    ordered = sorted(documents, key=lambda document: document.id)
    return load_snapshot(folder / builder(folder, encoders=encoders).build(ordered), encoders, by_character)


def test_each_pair_of_languages_is_put_to_the_first_encoder_that_knows_both(tmp_path: Path) -> None:
    english, both = CountingEmbedder(), CountingEmbedder(name="both", digest="e" * 64)
    encoders = (found(english), found(both, "both", "e" * 64, ("en", "zh")))
    snapshot = bilingual(tmp_path, LIBRARY, *encoders)
    english.batches.clear()
    both.batches.clear()

    search(snapshot, engine(english, both), [Query("适合什么投资者", 3, TODAY)])
    assert (english.batches, both.batches) == ([], [["适合什么投资者"]])

    only_english = PassageFilter(languages=frozenset({"en"}))
    search(snapshot, engine(english, both), [Query("bond prices", 3, TODAY, only_english)])
    assert (english.batches, both.batches) == ([["bond prices"]], [["适合什么投资者"]])


def test_a_question_finds_passages_in_the_other_language_by_meaning(tmp_path: Path) -> None:
    chinese = replace(GUIDE, id="zh-gold", language="zh", text="黄金 bullion 是避险资产。")
    encoder = found(CountingEmbedder(name="both", digest="e" * 64), "both", "e" * 64, ("en", "zh"))
    snapshot = bilingual(tmp_path, (GUIDE, chinese), encoder)

    (answer,) = search(snapshot, engine(), [Query("bullion", 1, TODAY)])

    assert answer.hits[0].passage.document.id == "zh-gold"


def test_passages_below_the_relevance_asked_for_are_left_out_and_the_best_one_is_told(tmp_path: Path) -> None:
    snapshot = snapshot_of(tmp_path)

    (answer,) = search(snapshot, engine(), [Query("bond prices", 3, TODAY, min_relevance=0.99)])

    assert answer.hits == ()
    assert answer.is_any_eligible
    assert 0 < answer.best_relevance < 0.99


def test_a_withdrawn_document_is_never_returned(tmp_path: Path) -> None:
    snapshot = snapshot_of(tmp_path)
    withdrawing = replace(engine(), withdrawn=frozenset({GUIDE.id}))

    (answer,) = search(snapshot, withdrawing, [Query("bond prices", 10, TODAY)])

    assert GUIDE.id not in {hit.passage.document.id for hit in answer.hits}


def test_a_document_that_is_added_leaves_the_others_in_their_order(tmp_path: Path) -> None:
    poison = replace(GUIDE, id="poison", text="bond prices yields horizon " * 6)
    question = "how do bond prices follow yields over a horizon"

    clean = ids(snapshot_of(tmp_path / "clean"), question)
    poisoned = ids(snapshot_of(tmp_path / "poisoned", (*LIBRARY, poison)), question)

    assert [one for one in poisoned if one != "poison"] == clean


def test_a_document_made_of_copies_leaves_the_others_in_their_order(tmp_path: Path) -> None:
    sections = "".join(f"# Part {n}\n\nbond prices yields horizon note {n}\n\n" for n in range(300))
    poison = replace(GUIDE, id="poison", text=sections, trust=TrustLevel.EXTERNAL)
    question = "how do bond prices follow yields over a horizon"

    clean = ids(snapshot_of(tmp_path / "clean"), question)
    poisoned = ids(snapshot_of(tmp_path / "poisoned", (*LIBRARY, poison)), question)

    assert [one for one in poisoned if one != "poison"] == clean
