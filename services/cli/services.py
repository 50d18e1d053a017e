"""The commands that start the services, and what they are told of each other."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from services.cli.child import Command
from services.cli.settings import CliSettings

BACKENDS = ("retrieval", "optimizer", "advice")
ORCHESTRATOR = "orchestrator"
# One thread per request: with more, one query of the encoder took ten times as long on two busy cores.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"), "1")
_OVER_DRAIN_SECONDS = 5.0


def backend_commands(settings: CliSettings, model_url: str, drain_seconds: float) -> list[Command]:
    """Return the commands of the services that need no other service."""
    advice = {"FIDUCIA_ADVICE_MODEL_BASE_URL": model_url}
    return [_command(name, settings, drain_seconds, advice if name == "advice" else {}) for name in BACKENDS]


def orchestrator_command(settings: CliSettings, backends: Mapping[str, str], drain_seconds: float) -> Command:
    """Return the command of the front door, which is told where the others listen."""
    addresses = {f"FIDUCIA_{name.upper()}_ADDRESS": address for name, address in backends.items()}
    return _command(ORCHESTRATOR, settings, drain_seconds, addresses)


def builder_environment(settings: CliSettings) -> dict[str, str]:
    """Return the environment of everything that computes: one thread, and no network for embedded encoders."""
    offline = {} if settings.retrieval_encoders else {"HF_HUB_OFFLINE": os.environ.get("HF_HUB_OFFLINE", "1")}
    return {**ONE_THREAD, **offline, "TOKENIZERS_PARALLELISM": "false", "PYTHONUNBUFFERED": "1"}


def _command(name: str, settings: CliSettings, drain_seconds: float, more: Mapping[str, str]) -> Command:
    environment = {
        **builder_environment(settings),
        "FIDUCIA_HOST": "127.0.0.1",
        "FIDUCIA_PORT": "0",
        "FIDUCIA_DATA_DIR": str(Path(settings.data_dir).resolve()),
        "FIDUCIA_DRAIN_SECONDS": str(drain_seconds),
        **more,
    }
    return Command(name, ("-m", f"services.{name}"), environment, grace_seconds=drain_seconds + _OVER_DRAIN_SECONDS)
