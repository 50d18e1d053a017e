from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.typing import NDArray

from services.retrieval.chunk import TokenCounter
from services.retrieval.embedder import SentenceEmbedder, TextTooLong
from services.retrieval.ingest.vectors import DocumentEmbedder
from services.retrieval.search import QueryEmbedder, embed_questions
from tests.unit.retrieval.samples import CountingEmbedder

TEXTS = ["Bond prices fall when yields rise.", "Gold pays no interest.", "A money market fund holds short bills. " * 9]


@pytest.fixture(params=["real", "counting"])
def either(request: pytest.FixtureRequest, embedder: SentenceEmbedder) -> SentenceEmbedder | CountingEmbedder:
    return embedder if request.param == "real" else CountingEmbedder(token_limit=100)


def test_the_fake_and_the_real_embedder_obey_the_protocols(either: SentenceEmbedder | CountingEmbedder) -> None:
    as_query: QueryEmbedder = either
    as_document: DocumentEmbedder = either
    counter: TokenCounter = either

    vectors = as_query.embed_queries(TEXTS)

    assert vectors.shape == (3, as_document.dimension)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-5)
    assert np.allclose(vectors, as_document.embed_documents(TEXTS), atol=1e-5)
    assert 0 < counter.count_tokens("bond") <= counter.count_tokens("bond prices") <= counter.token_limit


def test_the_embedded_model_counts_256_tokens_with_its_own_two(embedder: SentenceEmbedder) -> None:
    assert (embedder.token_limit, embedder.dimension) == (256, 384)
    assert embedder.count_tokens("bond") == 3


def test_a_text_beyond_the_limit_is_refused_and_one_at_the_limit_is_not(embedder: SentenceEmbedder) -> None:
    assert embedder.embed_queries(["bond " * 254]).shape == (1, 384)

    with pytest.raises(TextTooLong, match="257 tokens, the limit is 256"):
        embedder.embed_documents(["bond " * 255])


def test_the_end_of_a_text_at_the_limit_counts(embedder: SentenceEmbedder) -> None:
    start = "bond " * 250

    same, other = embedder.embed_documents([f"{start} gold gold gold gold", f"{start} cat dog fish bird"])

    assert float(same @ other) < 0.999


def test_a_passage_has_the_same_vector_in_any_company(embedder: SentenceEmbedder) -> None:
    together = embedder.embed_documents(TEXTS)

    alone = np.concatenate([embedder.embed_documents([text]) for text in TEXTS])

    assert np.array_equal(together, alone)


def test_threads_do_not_disturb_each_other(embedder: SentenceEmbedder) -> None:
    texts = [f"{text} {number}" for number in range(8) for text in TEXTS]
    expected = embedder.embed_documents(texts)

    def one(text: str) -> NDArray[np.float32]:
        embedder.count_tokens(text * 3)
        return np.asarray(embedder.embed_documents([text])[0])

    with ThreadPoolExecutor(4) as pool:
        found = np.stack(list(pool.map(one, texts)))

    assert np.array_equal(found, expected)


def test_meaning_brings_a_paraphrase_closer_than_another_subject(embedder: SentenceEmbedder) -> None:
    question, *passages = embedder.embed_queries(
        ["Do bonds lose value if interest rates go up?", "Bond prices fall when yields rise.", "Gold pays no interest."]
    )

    assert question @ passages[0] > question @ passages[1] + 0.2


def test_a_question_of_two_thousand_characters_is_embedded_whole(embedder: SentenceEmbedder) -> None:
    question = ("What happens to my bond fund? " * 70)[:2000]

    (vector,) = embed_questions(embedder, [question])

    assert float(np.linalg.norm(vector)) == pytest.approx(1.0, abs=1e-5)
