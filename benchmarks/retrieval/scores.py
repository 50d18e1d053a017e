"""What the systems reach on one set: values for every question, parted by language and kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.retrieval.metrics import MEASURES, Estimate, difference, estimate, measures
from benchmarks.retrieval.questions import KINDS, Question
from benchmarks.retrieval.systems import OURS, Ranking

NDCG = MEASURES.index("nDCG@10")
RECALL_5 = MEASURES.index("recall@5")


@dataclass(frozen=True)
class Scores:
    """The measures of each system on some answerable questions, (questions, measures)."""

    questions: Sequence[Question]
    values: Mapping[str, NDArray[np.float64]]

    def part(self, language: str = "", kind: str = "") -> Scores:
        """Return the scores of the questions in one language and of one kind; "" means any."""
        mine = np.array([language in ("", one.language) and kind in ("", one.kind) for one in self.questions])
        questions = [one for one, wanted in zip(self.questions, mine, strict=True) if wanted]
        return Scores(questions, {name: values[mine] for name, values in self.values.items()})

    def mean(self, system: str, measure: int) -> Estimate:
        """Return a measure's mean."""
        return estimate(self.values[system][:, measure])

    def best(self, prefix: tuple[str, ...]) -> str:
        """Return the system with the largest mean nDCG of those whose names begin with one of these."""
        names = [name for name in self.values if name.startswith(prefix)]
        return max(names, key=lambda name: float(self.values[name][:, NDCG].mean()))

    def lead(self, other: str) -> Estimate:
        """Return by how much our nDCG exceeds another system's, question by question."""
        return difference(self.values[OURS][:, NDCG], self.values[other][:, NDCG])


def scores_of(questions: Sequence[Question], rankings: Mapping[str, Ranking]) -> Scores:
    """Return the scores over the questions that have an answer; rankings: one list for every question."""
    answerable = [number for number, one in enumerate(questions) if one.relevant]
    values = {
        name: np.array([measures(ranking.units[number], questions[number].relevant) for number in answerable])
        for name, ranking in rankings.items()
    }
    return Scores([questions[number] for number in answerable], values)


def parts_of(scores: Scores) -> dict[str, Scores]:
    """Return the parts worth a table by name: everything, each language, and each kind in each language."""
    languages = sorted({one.language for one in scores.questions})
    kinds = [kind for kind in KINDS if any(one.kind == kind for one in scores.questions)]
    parts = {"all": scores}
    if len(languages) > 1:
        parts |= {f"asked in {language}": scores.part(language) for language in languages}
    if len(kinds) > 1:
        parts |= {kind: scores.part(kind=kind) for kind in kinds}
        parts |= {f"{kind}, {language}": scores.part(language, kind) for language in languages for kind in kinds}
    return {name: part for name, part in parts.items() if part.questions}
