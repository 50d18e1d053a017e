"""Runs the peers in an environment of their own, made on first use and kept under the cache folder."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import signal
import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.optimizer.cases import write_for_peers
from services.optimizer.answers import OptimizeJob

NAMES = ("PyPortfolioOpt", "skfolio", "Riskfolio-Lib")
# Of CPU, for starting, one warm-up and the repeats; by the clock ten times that, for machines with other work.
SECONDS = 60
_PATIENCE_SECONDS = 10.0 * SECONDS
_HERE = Path(__file__).parent
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1"}


@dataclass(frozen=True)
class PeerRun:
    """What a peer took, and its weights; cpu_ms is None where it did not finish within the limits.

    lost: utility of its weights below ours, as a share of ours.
    """

    version: str
    cpu_ms: float | None
    weights: tuple[float, ...] = ()
    note: str = ""
    lost: float = 0.0


def peers_python() -> Path:
    """Return the interpreter of the peers' environment, named after the digest of its requirements."""
    requirements = _HERE / "peers.txt"
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()[:12]
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "fiducia"
    folder = cache / f"bench-optimizer-{digest}"
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        print(f"Installing the peers into {folder} (once; some minutes) …", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        pip = [str(python), "-m", "pip", "--disable-pip-version-check", "-qq", "install", "--only-binary", ":all:"]
        subprocess.run([*pip, "-r", str(requirements)], check=True)
        (folder / "ready").touch()
    return python


def run_peer(python: Path, name: str, request: OptimizeJob, problem: Path, repeats: int) -> PeerRun:
    """Return the peer's time and weights for the request, which is written to the file `problem`."""
    write_for_peers(request, str(problem))
    return run_written(python, name, problem, repeats)


def run_written(python: Path, name: str, problem: Path, repeats: int) -> PeerRun:
    """Return the peer's time and weights for the problem in the file."""
    command = [str(python), "-W", "ignore", str(_HERE / "peer.py"), name, str(problem), str(repeats)]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=_PATIENCE_SECONDS,
            preexec_fn=partial(resource.setrlimit, resource.RLIMIT_CPU, (SECONDS, SECONDS)),
            env={**os.environ, **_ONE_THREAD, "PYTHONPATH": ""},
        )
    except subprocess.TimeoutExpired:
        return PeerRun("", None, note=f"more than {_PATIENCE_SECONDS:.0f} s by the clock")
    if done.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        return PeerRun("", None, note=f"more than {SECONDS} s of CPU")
    if done.returncode != 0:
        return PeerRun("", None, note=(done.stderr.strip().splitlines() or ["failed"])[-1][:80])
    answer = json.loads(done.stdout.splitlines()[-1])
    return PeerRun(answer["version"], answer["cpu_ms"], tuple(answer["weights"]))
