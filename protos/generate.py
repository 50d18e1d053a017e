"""Rewrite the committed stubs, or check the contract: the one place that knows how protoc and buf are called.

python protos/generate.py write      stubs under protos/gen
python protos/generate.py check      lint, format and freshness of the stubs; exit status 1 if any fails
"""

from __future__ import annotations

import filecmp
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import grpc_tools
from google.type import money_pb2

ROOT = Path(__file__).resolve().parent
BIN = Path(sysconfig.get_path("scripts"))
# The pip packages carry the .proto files of google.type and google.protobuf, so nothing is vendored.
GOOGLE_TYPE = Path(money_pb2.__file__).parents[2]
GOOGLE_PROTOBUF = Path(str(grpc_tools.__file__)).parent / "_proto"


def main(arguments: list[str]) -> int:
    """Run `write` or `check` and return the exit status."""
    match arguments:
        case ["write"]:
            _write_stubs(ROOT / "gen")
            return 0
        case ["check"]:
            return max(_lint(), _freshness())
        case _:
            print(__doc__)
            return 2


def _write_stubs(out: Path) -> None:
    shutil.rmtree(out / "fiducia", ignore_errors=True)
    out.mkdir(parents=True, exist_ok=True)
    _protoc("**/*.proto", out, "python", "mypy")
    _protoc("**/*_service.proto", out, "grpc_python", "mypy_grpc")
    for folder in [out / "fiducia", *(path for path in (out / "fiducia").rglob("*") if path.is_dir())]:
        (folder / "__init__.py").touch()
    (out / "fiducia" / "py.typed").touch()


def _protoc(pattern: str, out: Path, *kinds: str) -> None:
    sources = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "fiducia").glob(pattern))
    command = [
        *(sys.executable, "-m", "grpc_tools.protoc"),
        *(f"--proto_path={path}" for path in (ROOT, GOOGLE_TYPE, GOOGLE_PROTOBUF)),
        f"--plugin=protoc-gen-mypy={BIN / 'protoc-gen-mypy'}",
        f"--plugin=protoc-gen-mypy_grpc={BIN / 'protoc-gen-mypy_grpc'}",
        *(f"--{kind}_out=quiet:{out}" if kind.startswith("mypy") else f"--{kind}_out={out}" for kind in kinds),
    ]
    subprocess.run([*command, *sources], cwd=ROOT, check=True)


def _lint() -> int:
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder)
        shutil.copytree(ROOT / "fiducia", workspace / "protos" / "fiducia")
        for package in ("api", "rpc", "type"):
            _copy_protos(GOOGLE_TYPE / "google" / package, workspace / "google" / "google" / package)
        config = (ROOT / "buf.yaml").read_text() + "modules:\n  - path: protos\n  - path: google\n"
        (workspace / "buf.yaml").write_text(config)
        lint = _buf(workspace, "lint", "--path", "protos/fiducia")
        return max(lint, _buf(workspace, "format", "--diff", "--exit-code", "--path", "protos/fiducia"))


def _copy_protos(source: Path, target: Path) -> None:
    target.mkdir(parents=True)
    for path in source.glob("*.proto"):
        shutil.copy(path, target)


def _buf(workspace: Path, *arguments: str) -> int:
    # buf keeps a cache; it may be on a read-only home in CI.
    environment = {**os.environ, "BUF_CACHE_DIR": str(workspace / ".cache")}
    return subprocess.run([str(BIN / "buf"), *arguments], cwd=workspace, env=environment).returncode


def _freshness() -> int:
    with tempfile.TemporaryDirectory() as folder:
        _write_stubs(Path(folder))
        stale = _different(filecmp.dircmp(Path(folder) / "fiducia", ROOT / "gen" / "fiducia", ignore=["__pycache__"]))
    for name in stale:
        print(f"protos/gen/fiducia: {name} is not what the .proto files give; run `make protos`")
    return int(bool(stale))


def _different(comparison: filecmp.dircmp[str]) -> list[str]:
    here = [*comparison.left_only, *comparison.right_only, *comparison.diff_files]
    return here + [name for sub in comparison.subdirs.values() for name in _different(sub)]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
