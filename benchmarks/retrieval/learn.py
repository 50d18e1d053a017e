"""Learn the relevance model from development questions: `python -m benchmarks.retrieval.learn [--out FILE]`.

Weights for each pair of languages over the candidates of every development question (`listwise`): of our own split and
of a half of each public set that is here (the other half is measured). Unanswerable questions, also those of
data/learn-*, teach what "nothing relevant" looks like and what kinds of question have no answer here (`Scope`). The
threshold is the relevance that keeps a result for the wanted share of answerable development questions, each judged by
a model that has not seen it (five-fold cross-fitting).
"""

from __future__ import annotations

import argparse
import json
import sys
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.retrieval.kinds import Kinds, folds
from benchmarks.retrieval.listwise import Listed, fitted
from benchmarks.retrieval.questions import Question, read_questions
from benchmarks.retrieval.sets import PUBLIC_SETS, LabelledSet, open_all, own_set, public_set
from services.retrieval.encoders.chosen import find_encoders
from services.retrieval.features import FEATURES, FIRST_OF_QUESTIONS
from services.retrieval.relevance import UNTAUGHT, Pair, PairModel, RelevanceModel, probability, read_model
from services.retrieval.search import Candidates, Engine, Query, candidates
from services.retrieval.settings import RetrievalSettings

_OUT = Path(__file__).parents[2] / "services" / "retrieval" / "relevance.json"
# The share of answerable questions that still get a result: a service that keeps silent where it knows the answer is
# worse than one that shows a passage too many. What this leaves of silence is measured.
_ANSWERED = 0.92
# Log-odds where not even a candidate was found.
_NOTHING = -20.0
# What a question of a public set weighs: there are more of them, and they are of one kind.
_PUBLIC_WEIGHT = 0.2


@dataclass(frozen=True)
class Example:
    """The candidates of one question, a group for each language of passages, with labels, (passages,)."""

    question: Question
    groups: list[Candidates]
    labels: list[NDArray[np.bool_]]
    weight: float = 1.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Learn, write the model and print its weights; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.retrieval.learn")
    parser.add_argument("--out", type=Path, default=_OUT)
    out: Path = parser.parse_args(arguments).out
    found = find_encoders(RetrievalSettings().retrieval_encoders)
    engine = Engine(open_all(found), UNTAUGHT)
    own = own_set("dev", found)
    questions = [*own.questions, *read_questions("learn")]
    examples = examples_of(own, engine, questions)
    public = [
        replace(example, weight=_PUBLIC_WEIGHT)
        for one in (public_set(name, found) for name in PUBLIC_SETS)
        if one is not None
        for example in examples_of(one, engine, learning_half(one))
    ]
    names = tuple(one.name for one in found)
    best = unseen_best(examples, public)
    kinds = Kinds.of(own, questions, engine.encoders[-1], names[-1])
    is_answered = np.array([bool(one.relevant) for one in questions])
    threshold = float(np.quantile(kinds.moved(best)[is_answered], 1.0 - _ANSWERED))
    model = RelevanceModel(learned([*examples, *public]), probability(threshold), names, kinds.scope(best))
    out.write_text(_content(model))
    print(_summary(model, out))
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
    """Return a model for each pair of languages, those with known questions apart: no question has both to order."""
    lists: defaultdict[tuple[str, bool], list[Listed]] = defaultdict(list)
    for example in examples:
        for has_questions, groups in _views(example):
            lists[example.question.language, has_questions].append(Listed(groups, example.labels, example.weight))
    return {pair: model for key in sorted(lists) for pair, model in fitted(lists[key]).items()}


def _views(example: Example) -> Iterator[tuple[bool, list[Candidates]]]:
    """Yield what a model sees of the candidates: as they are, and as if nobody had written questions for them.

    Imported documents come without questions, in every language and about every product.
    """
    if all(group.pair.has_questions for group in example.groups):
        yield True, example.groups
    unknown = []
    for group in example.groups:
        without = group.features.copy()
        without[:, FIRST_OF_QUESTIONS:] = 0.0
        unknown.append(Candidates(replace(group.pair, has_questions=False), group.numbers, without))
    yield False, unknown


def unseen_best(examples: Sequence[Example], public: Sequence[Example]) -> NDArray[np.float64]:
    """Return the log-odds of each question's best passage, (examples,), by a model that was not learned from it."""
    best = np.empty(len(examples))
    for fold in folds(len(examples)):
        rest = np.setdiff1d(np.arange(len(examples)), fold)
        pairs = learned([*(examples[n] for n in rest), *public])
        best[fold] = [_best(examples[n], RelevanceModel(pairs, 0.0, ())) for n in fold]
    return best


def _best(example: Example, model: RelevanceModel) -> float:
    scores = [model.log_odds(group.pair, group.features) for group in example.groups]
    return max((float(some.max()) for some in scores if len(some)), default=_NOTHING)


def _content(model: RelevanceModel) -> str:
    pairs = [
        {
            **asdict(pair),
            "intercept": round(one.intercept, 3),
            "weights": [round(float(weight), 3) for weight in one.weights],
        }
        for pair, one in model.pairs.items()
    ]
    scope = model.scope and {
        "encoder": model.scope.encoder,
        "intercept": round(model.scope.intercept, 3),
        "weights": [round(float(weight), 3) for weight in model.scope.weights],
    }
    content = {"encoders": model.encoders, "features": FEATURES, "threshold": round(model.threshold, 5), "pairs": pairs}
    return json.dumps({**content, "scope": scope}, indent=1) + "\n"


def _summary(model: RelevanceModel, out: Path) -> str:
    lines = [
        f"{pair}: {one.intercept:.2f} "
        + ", ".join(f"{name} {weight:.2f}" for name, weight in zip(FEATURES, one.weights, strict=True))
        for pair, one in model.pairs.items()
    ]
    return "\n".join([*lines, f"threshold {read_model(out).threshold}", f"written to {out}"])


if __name__ == "__main__":
    sys.exit(main())
