"""Settings of the optimizer, from the environment (FIDUCIA_OPTIMIZER_…) or the file named by FIDUCIA_CONFIG."""

from __future__ import annotations

import os

from pydantic import Field

from shared.settings import ServerSettings


class OptimizerSettings(ServerSettings):
    """How the optimizer listens and how much it does at once."""

    optimizer_workers: int = Field(default_factory=lambda: len(os.sched_getaffinity(0)), ge=1, le=256)
    """Worker processes, one thread each; as many as cores unless told otherwise. About 150 MB of memory each, up to
    20 MB of parts of requests, four market snapshots, and where scenarios from past prices are needed up to four sets
    of 80 MB."""

    optimizer_queue: int = Field(default=64, ge=0)
    """Requests that may wait for a worker; more are refused at once with RESOURCE_EXHAUSTED."""

    optimizer_poll_seconds: float = Field(default=1.0, gt=0.0)
    """How often the pointer to the active market snapshot is read."""

    optimizer_compiled_problems: int = Field(default=32, ge=1)
    """Compiled problems that a worker keeps; the least recently used leaves first."""
