from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np

from services.retrieval.passage import Asked, Document
from services.retrieval.relevance import UNTAUGHT, RelevanceModel
from services.retrieval.scope import Scope
from services.retrieval.search import Engine, Found, Query, search
from services.retrieval.snapshot import Snapshot
from services.retrieval.snapshot_folder import load_snapshot
from tests.unit.retrieval.samples import ENCODERS, GUIDE, LIBRARY, CountingEmbedder, builder, by_character

TODAY = date(2026, 11, 28)
KNOWN = replace(
    GUIDE,
    id="sleep",
    text="## Losses\nA smaller share of stocks falls less.",
    asked=(Asked("Losses", "en", "how do I sleep at night when markets crash"),),
)
NIGHT = "what lets me sleep at night in a crash"


def snapshot_of(folder: Path, documents: tuple[Document, ...] = (*LIBRARY, KNOWN)) -> Snapshot:
    ordered = sorted(documents, key=lambda document: document.id)
    return load_snapshot(folder / builder(folder).build(ordered), ENCODERS, by_character)


def answer(snapshot: Snapshot, text: str, relevance: RelevanceModel = UNTAUGHT, reranks: bool = True) -> Found:
    engine = Engine((CountingEmbedder(),), relevance, reranks=reranks)
    return search(snapshot, engine, [Query(text, 10, TODAY, min_relevance=0.0)])[0]


def ids(found: Found) -> list[str]:
    return [hit.passage.document.id for hit in found.hits]


def scores(found: Found) -> dict[str, float]:
    """Return the score of the best passage of each document."""
    return {hit.passage.document.id: hit.score for hit in reversed(found.hits)}


def test_known_questions_find_their_passage_unless_reranking_is_off(tmp_path: Path) -> None:
    snapshot = snapshot_of(tmp_path)

    assert ids(answer(snapshot, NIGHT))[0] == "sleep"
    assert scores(answer(snapshot, NIGHT))["sleep"] > 2 * scores(answer(snapshot, NIGHT, reranks=False))["sleep"]


def test_a_named_product_comes_first_unless_reranking_is_off(tmp_path: Path) -> None:
    twin = replace(GUIDE, id="a-twin", text="## VTI\nVTI fees VTI fees.")
    snapshot = snapshot_of(tmp_path, (*LIBRARY, twin))

    assert ids(answer(snapshot, "VTI fees"))[0] == "VTI-factsheet-en"
    assert ids(answer(snapshot, "VTI fees", reranks=False))[0] == "a-twin"


def test_the_kind_of_question_moves_what_has_known_questions_alone(tmp_path: Path) -> None:
    snapshot = snapshot_of(tmp_path)
    scope = Scope("counting", -3.0, np.zeros(64))

    usual, strange = (scores(answer(snapshot, NIGHT, one)) for one in (UNTAUGHT, replace(UNTAUGHT, scope=scope)))

    assert strange == {**usual, "sleep": usual["sleep"] - 3.0}


def test_imported_documents_are_not_judged_by_the_kind_of_question(tmp_path: Path) -> None:
    snapshot = snapshot_of(tmp_path, LIBRARY)
    scope = Scope("counting", -3.0, np.zeros(64))

    assert answer(snapshot, NIGHT, replace(UNTAUGHT, scope=scope)) == answer(snapshot, NIGHT)
