from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from services.retrieval import relevance_file
from services.retrieval.encoder import ModelMissing
from services.retrieval.features import FEATURES, FIRST_OF_QUESTIONS
from services.retrieval.relevance import UNTAUGHT, Pair, probability
from services.retrieval.relevance_file import relevance_for
from services.retrieval.settings import EMBEDDED_ENCODERS

SHIPPED = Path(relevance_file.__file__).with_name("relevance.json")


def test_the_shipped_model_knows_every_pair_so_that_all_results_stand_in_one_order() -> None:
    model = relevance_for(EMBEDDED_ENCODERS, None)

    assert set(model.pairs) == {Pair(*pair) for pair in product(("en", "zh"), ("en", "zh"), (True, False))}
    assert 0 < model.threshold < 1


def test_more_of_every_searched_feature_is_more_relevant() -> None:
    for pair in relevance_for(EMBEDDED_ENCODERS, None).pairs.values():
        weights = dict(zip(FEATURES, pair.weights, strict=True))
        assert weights["cosine"] > 0
        # A word in the passage is one in the passage with its questions too.
        assert weights["words"] + weights["expanded_words"] > 0
        assert weights["product_named"] > 0 > weights["other_product_named"]


def test_passages_without_questions_are_judged_without_their_columns() -> None:
    for pair, model in relevance_for(EMBEDDED_ENCODERS, None).pairs.items():
        if not pair.has_questions:
            assert not model.weights[FIRST_OF_QUESTIONS:].any()


def test_other_encoders_get_an_order_without_calibration() -> None:
    assert relevance_for(["bge-m3"], None) is UNTAUGHT


def test_a_model_of_other_features_or_other_encoders_is_refused_with_what_to_run(tmp_path: Path) -> None:
    content = json.loads(SHIPPED.read_text())
    (tmp_path / "features").write_text(json.dumps({**content, "features": ["cosine"]}))
    (tmp_path / "encoders").write_text(json.dumps({**content, "encoders": ["other"]}))

    with pytest.raises(ModelMissing, match=r"python -m benchmarks\.retrieval\.learn"):
        relevance_for(EMBEDDED_ENCODERS, tmp_path / "features")
    with pytest.raises(ModelMissing, match="learned for other"):
        relevance_for(EMBEDDED_ENCODERS, tmp_path / "encoders")
    with pytest.raises(ModelMissing, match="cannot be used"):
        relevance_for(EMBEDDED_ENCODERS, tmp_path / "nothing")


def test_log_odds_become_probabilities() -> None:
    assert [probability(value) for value in (-np.inf, 0.0, np.log(3))] == pytest.approx([0.0, 0.5, 0.75])
