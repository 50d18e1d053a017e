"""What a run takes in minutes and gigabytes, and whether anything about the client leaves the machine."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from services.cli.settings import CliSettings

# Measured on two busy cores with a cold and a warm cache.
_COLD_MINUTES = "6 to 9"
_WARM_MINUTES = "2 to 3"
_FETCHED = "0.6 GB are downloaded and 2.5 GB kept"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def run_cost(settings: CliSettings, cache: Path, *, is_running: bool) -> str:
    """Return one sentence on what this run takes; `is_running`: `fiducia up` has started everything already."""
    if is_running:
        return "The services run already (`fiducia up`): this takes about a minute and fetches nothing."
    if settings.model_base_url:
        return f"This takes a minute or two; text is written by the model server at {settings.model_base_url}."
    if settings.model_name != "embedded":
        return f"The model {settings.model_name} is fetched once from its hub, if it is not a folder; its size decides."
    if not is_prepared(cache):
        return (
            f"First run on this machine: {_COLD_MINUTES} minutes and the network. For the model server (vLLM) and a "
            f"small language model {_FETCHED} in {cache}, once. Later runs take {_WARM_MINUTES} minutes, need no "
            "network, and about one minute while `fiducia up` runs."
        )
    return (
        f"The model is there already: {_WARM_MINUTES} minutes, most of it the start of the model server, and no "
        "network. While `fiducia up` runs it takes about one minute."
    )


def is_prepared(cache: Path) -> bool:
    """Tell whether the embedded model and its server are there."""
    return any(cache.glob("model-server-*/complete.json")) and any(cache.glob("models/*/manifest.json"))


def privacy(settings: CliSettings) -> str:
    """Return one sentence on where the client's data goes."""
    host = urlsplit(settings.model_base_url or "").hostname
    if host is None or host in _LOOPBACK:
        return "Nothing about the client leaves this machine: every service listens on 127.0.0.1 only."
    return (
        f"The facts of the proposal, without name or contact, are sent to the model server at {host}, which "
        "FIDUCIA_MODEL_BASE_URL names. Everything else stays on this machine."
    )
