"""Learn the relevance model from development questions: `python -m benchmarks.retrieval.learn [--out FILE]`.

A logistic regression for each pair of languages over the candidates of every development question: of our own split
and of a half of each public set that is here (the other half is measured). Unanswerable questions teach what "nothing
relevant" looks like. The threshold is the relevance that keeps a result for the wanted share of answerable development
questions.
"""

from __future__ import annotations

import argparse
import json
import sys
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, astuple, dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from benchmarks.retrieval.questions import Question
from benchmarks.retrieval.sets import PUBLIC_SETS, LabelledSet, open_all, own_set, public_set
from services.retrieval.encoders.chosen import find_encoders
from services.retrieval.features import FEATURES
from services.retrieval.relevance import UNTAUGHT, Pair, PairModel, RelevanceModel, probability
from services.retrieval.search import Candidates, Engine, Query, candidates
from services.retrieval.settings import RetrievalSettings

_OUT = Path(__file__).parents[2] / "services" / "retrieval" / "relevance.json"
# The share of answerable questions that still get a result: a service that keeps silent where it knows the answer is
# worse than one that shows a passage too many. What this leaves of silence is measured.
_ANSWERED = 0.92
# Weak: there are thousands of candidates for a handful of weights.
_INVERSE_REGULARISATION = 10.0


@dataclass(frozen=True)
class Example:
    """The candidates of one question, a group for each language of passages, with labels, (passages,)."""

    question: Question
    groups: list[Candidates]
    labels: list[NDArray[np.bool_]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Learn, write the model and print its weights; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.retrieval.learn")
    parser.add_argument("--out", type=Path, default=_OUT)
    out: Path = parser.parse_args(arguments).out
    found = find_encoders(RetrievalSettings().retrieval_encoders)
    engine = Engine(open_all(found), UNTAUGHT)
    own = own_set("dev", found)
    sets = [own, *(one for name in PUBLIC_SETS if (one := public_set(name, found)))]
    examples = {one.name: examples_of(one, engine, learning_half(one)) for one in sets}
    pairs = learned([example for some in examples.values() for example in some])
    model = RelevanceModel(pairs, 0.0, tuple(one.name for one in found))
    threshold = answering_threshold(examples[own.name], model)
    out.write_text(_content(model, threshold))
    print(out.read_text())
    return 0


def learning_half(labelled: LabelledSet) -> list[Question]:
    """Return the questions that may be learned from: all of our own split, half of a public set by its ids."""
    if labelled.name not in PUBLIC_SETS:
        return labelled.questions
    return [one for one in labelled.questions if zlib.crc32(one.id.encode()) % 2]


def examples_of(labelled: LabelledSet, engine: Engine, questions: Sequence[Question]) -> list[Example]:
    """Return the labelled candidates of each question."""
    today = date.today()
    groups = candidates(labelled.snapshot, engine, [Query(one.text, 1, today) for one in questions])
    passages = labelled.snapshot.passages

    def labels(question: Question, group: Candidates) -> NDArray[np.bool_]:
        return np.array([labelled.unit(passages[number]) in question.relevant for number in group.numbers], dtype=bool)

    return [
        Example(question, some, [labels(question, group) for group in some])
        for question, some in zip(questions, groups, strict=True)
    ]


def learned(examples: Iterable[Example]) -> dict[Pair, PairModel]:
    """Return a model for each pair of languages. A pair without a relevant passage gets none."""
    features: defaultdict[Pair, list[NDArray[np.float64]]] = defaultdict(list)
    labels: defaultdict[Pair, list[NDArray[np.bool_]]] = defaultdict(list)
    for example in examples:
        for group, own in zip(example.groups, example.labels, strict=True):
            for pair, seen in _views(group):
                features[pair].append(seen)
                labels[pair].append(own)
    return {
        pair: _fitted(np.concatenate(features[pair]), np.concatenate(labels[pair]))
        for pair in sorted(features, key=astuple)
        if np.concatenate(labels[pair]).any()
    }


def _views(group: Candidates) -> Iterator[tuple[Pair, NDArray[np.float64]]]:
    """Yield what a model sees of the candidates: as they are, and as if nobody had written questions for them.

    Imported documents come without questions, in every language and about every product.
    """
    yield group.pair, group.features
    if group.pair.has_questions:
        without = group.features.copy()
        without[:, [FEATURES.index("question_cosine"), FEATURES.index("question_words")]] = 0.0
        yield replace(group.pair, has_questions=False), without


def answering_threshold(examples: Sequence[Example], model: RelevanceModel) -> float:
    """Return the relevance that the best passage reaches for the wanted share of answerable questions."""
    best = [_best(example, model) for example in examples if example.question.kind != "unanswerable"]
    return float(np.quantile(best, 1.0 - _ANSWERED))


def _best(example: Example, model: RelevanceModel) -> float:
    scores = [model.log_odds(group.pair, group.features) for group in example.groups]
    return probability(max((float(some.max()) for some in scores if len(some)), default=-np.inf))


def _fitted(features: NDArray[np.float64], labels: NDArray[np.bool_]) -> PairModel:
    fit = LogisticRegression(C=_INVERSE_REGULARISATION, max_iter=2_000).fit(features, labels)
    return PairModel(float(fit.intercept_[0]), np.asarray(fit.coef_[0]))


def _content(model: RelevanceModel, threshold: float) -> str:
    pairs = [
        {
            **asdict(pair),
            "intercept": round(one.intercept, 4),
            "weights": [round(float(weight), 4) for weight in one.weights],
        }
        for pair, one in model.pairs.items()
    ]
    content = {"encoders": model.encoders, "features": FEATURES, "threshold": round(threshold, 4), "pairs": pairs}
    return json.dumps(content, indent=2) + "\n"


if __name__ == "__main__":
    sys.exit(main())
