"""Where the command keeps what it writes, and where it finds the knowledge base."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import Field

from shared.settings import Settings, data_home

_CHECKOUT = Path(__file__).resolve().parents[2]


def state_home() -> Path:
    """Return the folder of what is running and of its logs: $XDG_STATE_HOME/fiducia."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "fiducia"


def cache_home() -> Path:
    """Return the folder where the model server's environment and weights are kept: $XDG_CACHE_HOME/fiducia."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fiducia"


def default_kb() -> Path:
    """Return ./kb where there is one, else the knowledge base of the checkout this file is part of."""
    here = Path("kb")
    return here.resolve() if here.is_dir() else _CHECKOUT / "kb"


class CliSettings(Settings):
    """Settings of the command, from the environment (FIDUCIA_…) or the file named by FIDUCIA_CONFIG."""

    data_dir: Path = Field(default_factory=data_home)
    """Where indexes, catalogues, market snapshots, records and written proposals live."""

    kb_dir: Path = Field(default_factory=default_kb)
    """The knowledge base."""

    model_name: str = "embedded"
    """The model that `python -m services.model` serves; here only to say what the first run fetches."""

    model_base_url: str | None = None
    """An OpenAI-compatible server that runs already; then no model server is started."""

    retrieval_encoders: str | None = None
    """Set where the encoders are not the embedded ones; then their library may use the network."""
