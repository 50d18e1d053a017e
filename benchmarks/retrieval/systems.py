"""The systems compared: words alone, meaning alone, both by reciprocal rank fusion, and ours.

Ours also knows questions that passages answer. To tell what that alone does, words are searched with those questions
appended to their passages (document expansion), and ours is asked without its reranking, which uses them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from benchmarks.retrieval.sets import LabelledSet
from services.retrieval.asked import asked_of
from services.retrieval.jieba_segmenter import JiebaSegmenter
from services.retrieval.lexical import WordIndex
from services.retrieval.questions import QueryEncoder, embed_questions
from services.retrieval.search import Engine, Query, search
from services.retrieval.snapshot import Snapshot, WordScores

# Cormack, Clarke and Büttcher (2009).
_RRF_K = 60
_DEPTH = 200
_WANTED = 10
OURS = "fiducia"
FUSED = "fiducia, not reranked"
EXPANDED = "expanded BM25"

Numbers = NDArray[np.int64]
_NONE: Numbers = np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class Ranking:
    """Units best first for every question.

    best_relevance: of the first one, where a system states it.
    how:            version and settings of a peer.
    """

    units: list[list[str]]
    best_relevance: tuple[float, ...] = ()
    how: str = ""


def by_words(labelled: LabelledSet, _: Engine) -> Ranking:
    """Rank by BM25 alone."""
    return Ranking([_units(labelled, _words(labelled.snapshot.words, one.text)) for one in labelled.questions])


def by_meaning(number: int) -> System:
    """Return the system that ranks by the cosine of one encoder; nothing for a language that it does not know."""

    def rank(labelled: LabelledSet, engine: Engine) -> Ranking:
        return Ranking([_units(labelled, found) for found in _meaning(labelled, engine.encoders, number)])

    return rank


def by_rank_fusion(number: int) -> System:
    """Return the system that ranks by the sum of reciprocal ranks, of words and of one encoder, at equal weights."""

    def rank(labelled: LabelledSet, engine: Engine) -> Ranking:
        fused = [
            _fused(_words(labelled.snapshot.words, one.text), found)
            for one, found in zip(labelled.questions, _meaning(labelled, engine.encoders, number), strict=True)
        ]
        return Ranking([_units(labelled, numbers) for numbers in fused])

    return rank


def by_ours(labelled: LabelledSet, engine: Engine) -> Ranking:
    """Search as the service does, whatever the relevance."""
    today = date.today()
    queries = [Query(one.text, _WANTED, today, min_relevance=0.0) for one in labelled.questions]
    answers = search(labelled.snapshot, engine, queries)
    units = [unique(labelled.unit(hit.passage) for hit in answer.hits) for answer in answers]
    return Ranking(units, tuple(answer.best_relevance for answer in answers))


def by_fusion(labelled: LabelledSet, engine: Engine) -> Ranking:
    """Search as the service does with the reranking off."""
    return by_ours(labelled, replace(engine, reranks=False))


def by_expanded_words(labelled: LabelledSet, _: Engine) -> Ranking:
    """Rank by BM25 over passages with their known questions appended."""
    passages = labelled.snapshot.passages
    texts = [[one.lexical_text] for one in passages]
    for asked in asked_of(passages):
        texts[asked.owner].append(asked.text)
    index = WordIndex.build(["\n".join(some) for some in texts], JiebaSegmenter())
    return Ranking([_units(labelled, _words(index, one.text)) for one in labelled.questions])


System = Callable[[LabelledSet, Engine], Ranking]


def systems_of(snapshot: Snapshot) -> dict[str, System]:
    """Return the systems by name, ours last. Equal-weight fusion is tried with every encoder."""
    names = [space.encoder.name for space in snapshot.spaces]
    dense = {f"dense {name}": by_meaning(number) for number, name in enumerate(names)}
    fused = {f"RRF {name}": by_rank_fusion(number) for number, name in enumerate(names)}
    expanded = {EXPANDED: by_expanded_words} if asked_of(snapshot.passages) else {}
    return {"BM25": by_words, **expanded, **dense, **fused, FUSED: by_fusion, OURS: by_ours}


def _words(index: WordScores, text: str) -> Numbers:
    shares = index.shares(text)
    order = np.argsort(-shares, kind="stable")[:_DEPTH]
    return order[shares[order] > 0]


def _meaning(labelled: LabelledSet, encoders: Sequence[QueryEncoder], number: int) -> list[Numbers]:
    """Return for each question the passages nearest by an encoder; none for a language that it does not know."""
    snapshot, space = labelled.snapshot, labelled.snapshot.spaces[number]
    everything = np.arange(len(snapshot.passages))
    mine = [one.text for one in labelled.questions if one.language in space.encoder.languages]
    vectors = iter(embed_questions(encoders[number], mine))
    return [
        space.index.nearest(next(vectors), everything, _DEPTH)[0] if one.language in space.encoder.languages else _NONE
        for one in labelled.questions
    ]


def _fused(words: Numbers, meaning: Numbers) -> Numbers:
    scores: dict[int, float] = {}
    for ranked in (words, meaning):
        for rank, number in enumerate(ranked.tolist()):
            scores[number] = scores.get(number, 0.0) + 1 / (_RRF_K + rank + 1)
    return np.array(sorted(scores, key=lambda number: (-scores[number], number)), dtype=np.int64)


def _units(labelled: LabelledSet, numbers: Numbers) -> list[str]:
    return unique(labelled.unit(labelled.snapshot.passages[number]) for number in numbers)


def unique(units: Iterable[str]) -> list[str]:
    """Return the first ten of these units, each once."""
    return list(dict.fromkeys(units))[:_WANTED]
