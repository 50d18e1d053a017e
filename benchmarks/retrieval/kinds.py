"""Learn which kinds of question the knowledge base answers, from the questions' vectors alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from benchmarks.retrieval.questions import Question
from benchmarks.retrieval.sets import LabelledSet
from services.retrieval.asked import asked_of
from services.retrieval.questions import QueryEncoder, embed_questions
from services.retrieval.scope import Scope

_FOLDS = 5
_SEED = 20261128
_INVERSE_REGULARISATION = 3.0
# All known questions together weigh as much as this share of the labelled ones that have an answer: they are many, and
# not what clients typed.
_KNOWN_SHARE = 1.0

Vectors = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Kinds:
    """The labelled questions and their vectors, (questions, dimension), with those of the known ones beside them.

    encoder: the name of the one that made the vectors.
    """

    encoder: str
    is_answered: NDArray[np.bool_]
    vectors: Vectors
    known: Vectors

    @classmethod
    def of(cls, own: LabelledSet, questions: Sequence[Question], encoder: QueryEncoder, name: str) -> Kinds:
        """Return the questions with vectors by the encoder that knows every language."""
        is_answered = np.array([bool(one.relevant) for one in questions])
        vectors = np.array(embed_questions(encoder, [one.text for one in questions]))
        known = np.array(embed_questions(encoder, [one.text for one in asked_of(own.snapshot.passages)]))
        return cls(name, is_answered, vectors, known)

    def scope(self, best: NDArray[np.float64]) -> Scope:
        """Return the model, in units of the log-odds of passages; zero for the usual question that has an answer.

        best: log-odds of each question's best passage by a model that has not seen it, (questions,).
        """
        share = self._share(best)
        fit = self._fitted(np.arange(len(self.vectors)))
        intercept = share * (float(fit.intercept_[0]) - self._usual)
        return Scope(self.encoder, intercept, share * np.asarray(fit.coef_[0], dtype=np.float64))

    def moved(self, best: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return these log-odds as the kind of each question moves them, by a model that has not seen it."""
        return best + self._share(best) * (self._unseen - self._usual)

    def _share(self, best: NDArray[np.float64]) -> float:
        """Return what a unit of the kind is worth in units of the best passage, for telling who has an answer."""
        fit = LogisticRegression(C=_INVERSE_REGULARISATION).fit(np.stack([best, self._unseen], 1), self.is_answered)
        return float(fit.coef_[0][1] / fit.coef_[0][0])

    @property
    def _usual(self) -> float:
        return float(self._unseen[self.is_answered].mean())

    @cached_property
    def _unseen(self) -> NDArray[np.float64]:
        odds = np.empty(len(self.vectors))
        for fold in folds(len(odds)):
            fit = self._fitted(np.setdiff1d(np.arange(len(odds)), fold))
            odds[fold] = fit.decision_function(self.vectors[fold])
        return odds

    def _fitted(self, places: NDArray[np.int64]) -> LogisticRegression:
        labels = self.is_answered[places]
        share = _KNOWN_SHARE * labels.sum() / len(self.known)
        weights = np.concatenate([np.ones(len(places)), np.full(len(self.known), share)])
        vectors = np.concatenate([self.vectors[places], self.known])
        everything = np.concatenate([labels, np.ones(len(self.known), dtype=bool)])
        fit = LogisticRegression(C=_INVERSE_REGULARISATION, max_iter=2_000)
        return fit.fit(vectors, everything, sample_weight=weights)


def folds(count: int) -> list[NDArray[np.int64]]:
    """Return the places of `count` things in five parts, the same on every run."""
    order = np.random.default_rng(_SEED).permutation(count)
    return [np.sort(order[start::_FOLDS]) for start in range(_FOLDS)]
