from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from services.retrieval.model_folder import ModelMissing, find_model
from services.retrieval.settings import RetrievalSettings


def test_the_environment_names_embedder_and_languages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIDUCIA_RETRIEVAL_EMBEDDER", "BAAI/bge-m3")
    monkeypatch.setenv("FIDUCIA_RETRIEVAL_EMBEDDER_LANGUAGES", "en, zh")

    settings = RetrievalSettings()

    assert settings.retrieval_embedder == "BAAI/bge-m3"
    assert settings.retrieval_embedder_languages == ("en", "zh")


def test_an_unknown_language_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIDUCIA_RETRIEVAL_EMBEDDER_LANGUAGES", "en,fr")

    with pytest.raises(ValidationError, match="retrieval_embedder_languages"):
        RetrievalSettings()


def write_model(folder: Path) -> Path:
    (folder / "1_Pooling").mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"weights")
    (folder / "1_Pooling/config.json").write_text("{}")
    return folder


def test_a_folder_is_a_model_whose_name_is_no_path(tmp_path: Path) -> None:
    model = find_model(str(write_model(tmp_path / "mine")))

    assert model.name == "mine"
    assert len(model.digest) == 64


@pytest.mark.parametrize(
    ("name", "changes"),
    [("model.safetensors", True), ("1_Pooling/config.json", True), ("README.md", False), ("onnx/model.bin", False)],
)
def test_the_digest_follows_what_decides_a_vector(name: str, changes: bool, tmp_path: Path) -> None:
    folder = write_model(tmp_path / "mine")
    before = find_model(str(folder)).digest
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("changed")

    assert (find_model(str(folder)).digest != before) is changes


def test_a_folder_without_weights_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="no model weights"):
        find_model(str(tmp_path))
