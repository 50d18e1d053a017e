"""The model server's own virtual environment, built once per lock file.

vLLM brings torch and 140 other packages at exact versions; the services must not have to agree with them.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from services.model.cache import one_builder
from services.model.child import Runner, run
from services.model.errors import ModelServerError
from services.model.progress import Report

LOCK = Path(__file__).parent / "locks" / "model-server-cpu.txt"
MARKER = "complete.json"
NEEDED_BYTES = 4 * 2**30  # The environment takes 2.2 GB, pip's downloads and their unpacking up to 1.5 GB more.
REPORT_EVERY = 25  # packages


def prepare_environment(cache: Path, report: Report, lock: Path = LOCK, runner: Runner = run) -> Path:
    """Return the python of the environment that `lock` describes, built under `cache` unless it is there.

    A virtual environment cannot be moved, so it is built in its place, and a marker written last says that it is
    whole; without the marker it is built anew.

    Raises ModelServerError when pip fails or the disk is nearly full.
    """
    folder = environment_folder(cache, lock)
    if not is_complete(folder, lock):
        with one_builder(cache / f".{folder.name}.lock", report, "environment.waiting"):
            if not is_complete(folder, lock):  # Another process may have built it meanwhile.
                _build(folder, lock, report, runner)
    report("environment.ready", str(folder))
    return python_of(folder)


def environment_folder(cache: Path, lock: Path) -> Path:
    """Return the folder of the environment that `lock` describes."""
    return cache / f"model-server-{lock_digest(lock)[:12]}"


def lock_digest(lock: Path) -> str:
    """Return the SHA-256 of the lock's requirements; a changed comment must not cost a build of 2 GB."""
    return hashlib.sha256("\n".join(requirements(lock)).encode()).hexdigest()


def requirements(lock: Path) -> list[str]:
    """Return the lines of a lock file without its comments and blank lines."""
    lines = (line.partition("#")[0].strip() for line in lock.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line]


def is_complete(folder: Path, lock: Path) -> bool:
    """Tell whether the environment was built to its end from `lock` and its python still exists."""
    try:
        marker = json.loads((folder / MARKER).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return False
    # The python is a link to the one that built it, which an upgrade of the system may have removed.
    return bool(marker.get("lock_sha256") == lock_digest(lock)) and python_of(folder).exists()


def python_of(folder: Path) -> Path:
    """Return the path of a virtual environment's python."""
    return folder / "bin" / "python"


def _build(folder: Path, lock: Path, report: Report, runner: Runner) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    _require_space(folder.parent)
    count = len(requirements(lock))
    report("environment.start", f"installing {count} packages, once (0.5 GB to fetch, 2.2 GB on disk, some minutes)")
    try:
        runner([sys.executable, "-m", "venv", str(folder)])
        install = [str(python_of(folder)), "-m", "pip", "install", "--no-deps", "--no-input", "--progress-bar", "off"]
        runner([*install, "-r", str(lock)], _pip_progress(report, count))
        _mark_complete(folder, lock)
    except BaseException:  # Ctrl-C too: half an environment is a gigabyte of no use.
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _require_space(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < NEEDED_BYTES:
        found, needed = free / 2**30, NEEDED_BYTES / 2**30
        raise ModelServerError(
            f"{folder} has {found:.1f} GiB free, the model server needs {needed:.0f}; "
            "free some, or set XDG_CACHE_HOME to a folder on a larger disk"
        )


def _pip_progress(report: Report, count: int) -> Callable[[str], None]:
    """Return a reader of pip's lines that reports every 25th package and the long silent step at the end."""
    found = 0

    def on_line(line: str) -> None:
        nonlocal found
        if re.match(r"(Collecting|Processing|Requirement already satisfied)\b", line):
            found += 1
            if found % REPORT_EVERY == 0:
                report("environment.progress", f"{found} of {count} packages fetched")
        elif line.startswith("Installing collected packages"):
            report("environment.progress", f"unpacking and compiling {count} packages, the longest step")

    return on_line


def _mark_complete(folder: Path, lock: Path) -> None:
    draft = folder / f"{MARKER}.draft"
    draft.write_text(json.dumps({"lock_sha256": lock_digest(lock), "python": sys.version.split()[0]}), encoding="utf-8")
    draft.replace(folder / MARKER)
