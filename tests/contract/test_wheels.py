"""Each distribution is built, installed into an empty environment and imported there."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def _run(*command: str | Path) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    for project in (ROOT / "protos", ROOT):
        _run(sys.executable, *["-m", "build", "--wheel", "--no-isolation", "--outdir"], folder, project)
    return folder


def _empty_environment(folder: Path) -> Path:
    venv.create(folder, with_pip=True)
    return folder / "bin" / "python"


@pytest.mark.system
def test_the_client_wheel_alone_imports_every_stub_and_nothing_of_the_services(wheels: Path, tmp_path: Path) -> None:
    python = _empty_environment(tmp_path / "client")
    wheel = next(wheels.glob("fiducia_client-*.whl"))
    _run(python, *["-m", "pip", "install", "-q", "-c"], ROOT / "locks" / "client.txt", wheel)

    stubs = [
        path.relative_to(ROOT / "protos" / "gen").with_suffix("").as_posix().replace("/", ".")
        for path in sorted((ROOT / "protos" / "gen").rglob("*_pb2*.py"))
    ]
    _run(python, "-I", "-c", "import " + ", ".join(stubs))
    absent = _run(
        python, "-I", "-c", "import importlib.util as u; print(u.find_spec('services'), u.find_spec('torch'))"
    )

    assert absent.split() == ["None", "None"]


@pytest.mark.system
def test_the_root_wheel_imports_with_its_base_requirements_only(wheels: Path, tmp_path: Path) -> None:
    python = _empty_environment(tmp_path / "root")
    client, root = next(wheels.glob("fiducia_client-*.whl")), next(wheels.glob("fiducia-*.whl"))
    _run(python, *["-m", "pip", "install", "-q", "-c"], ROOT / "locks" / "services.txt", client, root)

    shared = [f"shared.{path.stem}" for path in (ROOT / "shared").glob("*.py") if path.stem != "__init__"]
    _run(python, "-I", "-c", "import " + ", ".join([*shared, "services.orchestrator.catalogue.schema"]))
