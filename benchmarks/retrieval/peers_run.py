"""Runs the peers in an environment of their own, made on first use and kept under the cache folder."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.retrieval.sets import LabelledSet
from benchmarks.retrieval.systems import Ranking, unique
from services.retrieval.questions import QueryEncoder, embed_questions

NAMES = ("Qdrant", "LanceDB", "Milvus Lite")
# Of CPU, for indexing and asking one set; a peer beyond it is reported as such.
_CPU_SECONDS = 1_800
_HERE = Path(__file__).parent
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def run_peers(labelled: LabelledSet, encoders: Sequence[QueryEncoder]) -> dict[str, Ranking]:
    """Return what each peer ranks, with our vectors of the first encoder that knows all languages of the set."""
    python = _peers_python()
    rankings = {}
    with tempfile.TemporaryDirectory() as folder:
        _write_task(Path(folder), labelled, encoders)
        for name in NAMES:
            print(f"{labelled.name}: asking {name} …", file=sys.stderr)
            rankings[name] = _run(python, name, Path(folder), labelled)
    return rankings


def _peers_python() -> Path:
    """Return the interpreter of the peers' environment, named after the digest of its requirements."""
    requirements = _HERE / "peers.txt"
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()[:12]
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "fiducia"
    folder = cache / f"bench-retrieval-{digest}"
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        print(f"Installing the peers into {folder} (once; a minute or two) …", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        pip = [str(python), "-m", "pip", "--disable-pip-version-check", "-qq", "install", "-r", str(requirements)]
        subprocess.run(pip, check=True)
        (folder / "ready").touch()
    return python


def _write_task(folder: Path, labelled: LabelledSet, encoders: Sequence[QueryEncoder]) -> None:
    snapshot = labelled.snapshot
    languages = {one.document.language for one in snapshot.passages} | {one.language for one in labelled.questions}
    space, encoder = next(
        (space, encoder)
        for space, encoder in zip(snapshot.spaces, encoders, strict=True)
        if languages <= set(space.encoder.languages)
    )
    index: Any = space.index
    texts = [one.text for one in labelled.questions]
    np.savez(
        folder / "vectors.npz",
        passages=np.array([index.vector(number) for number in range(len(snapshot.passages))]),
        questions=np.array(embed_questions(encoder, texts)),
    )
    task = {
        "language": languages.pop() if len(languages) == 1 else "mixed",
        "passages": [one.lexical_text for one in snapshot.passages],
        "questions": texts,
    }
    (folder / "texts.json").write_text(json.dumps(task))


def _run(python: Path, name: str, folder: Path, labelled: LabelledSet) -> Ranking:
    done = subprocess.run(
        [str(python), "-W", "ignore", str(_HERE / "peer.py"), name, str(folder)],
        capture_output=True,
        text=True,
        preexec_fn=partial(resource.setrlimit, resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS)),
        env={**os.environ, **_ONE_THREAD, "PYTHONPATH": ""},
    )
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise RuntimeError(f"{name} failed with status {done.returncode}: {last}")
    answer = json.loads(done.stdout.splitlines()[-1])
    passages = labelled.snapshot.passages
    units = [unique(labelled.unit(passages[number]) for number in ranked) for ranked in answer["ranked"]]
    return Ranking(units, how=f"{answer['version']}, {answer['how']}")
