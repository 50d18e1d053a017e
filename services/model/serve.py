"""vLLM as a child process: started, awaited, and stopped with everything that it started."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from services.model.child import clean_environment, spawn, stop
from services.model.cpu import fastest_dtype
from services.model.errors import ModelServerError
from services.model.health import is_healthy
from services.model.progress import Report
from services.model.settings import ModelSettings

LAUNCHER = Path(__file__).parent / "launch.py"
LOG_TAIL_LINES = 20
POLL_SECONDS = 0.25
REPORT_SECONDS = 10.0
KILL_AFTER_SECONDS = 10.0  # On top of the requests' own grace; stopping idle takes vLLM 6 s on two cores.


@dataclass(frozen=True)
class ModelServer:
    """A running server. base_url ends in /v1; model is the name to ask for."""

    base_url: str
    model: str
    process: subprocess.Popen[str]
    log: Path


@contextmanager
def model_server(
    settings: ModelSettings, python: Path, model: str, host: str, port: int, log: Path, report: Report
) -> Iterator[ModelServer]:
    """Run vLLM during the block, from when it is healthy; afterwards none of its processes is left.

    model: what vLLM loads, a folder or the name on a hub. port: 0 takes a free one.
    Call from the main thread: on Linux the child ends with the thread that started it.

    Raises ModelServerError when the port is taken, vLLM ends early, or is not healthy in time.
    """
    port = _bindable(host, port)
    log.parent.mkdir(parents=True, exist_ok=True)
    report("server.start", f"starting vLLM on {host}:{port}, its log is {log}")
    with log.open("w", encoding="utf-8") as output:
        command = serve_command(settings, python, model, host, port)
        child = spawn(command, serve_environment(settings), output, log.parent)
    server = ModelServer(f"http://{host}:{port}/v1", settings.model_name, child, log)
    try:
        _await_health(server, settings.ready_seconds, report)
        report("server.model", server.model)
        report("server.ready", server.base_url)
        yield server
    finally:
        report("server.stopping", "ending vLLM")
        stop(child, settings.shutdown_seconds + KILL_AFTER_SECONDS)
        report("server.stopped", "no process is left")


def serve_command(settings: ModelSettings, python: Path, model: str, host: str, port: int) -> list[str]:
    """Return the command line of vLLM's OpenAI-compatible server."""
    command = [str(python), str(LAUNCHER), "--model", model, "--served-model-name", settings.model_name]
    command += ["--host", host, "--port", str(port)]
    command += ["--max-model-len", str(settings.max_model_len), "--max-num-seqs", str(settings.max_num_seqs)]
    command += ["--dtype", dtype_of(settings)]
    # Without it a SIGTERM leaves an open stream hanging.
    command += ["--shutdown-timeout", f"{settings.shutdown_seconds:.0f}"]
    if settings.python is None:
        # On a CPU compiling takes minutes and gains nothing for a model this small.
        command += ["--enforce-eager"]
    return [*command, *settings.extra_args]


def dtype_of(settings: ModelSettings) -> str:
    """Return the number type to compute with; on a GPU `auto` is left to vLLM."""
    return fastest_dtype() if settings.dtype == "auto" and settings.python is None else settings.dtype


def serve_environment(settings: ModelSettings) -> dict[str, str]:
    """Return vLLM's environment variables: no usage statistics, and no network where the model is a folder."""
    environment = clean_environment() | {
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
        "VLLM_CPU_KVCACHE_SPACE": str(settings.kv_cache_gib),
    }
    if settings.is_embedded or Path(settings.name).is_dir():
        environment |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
    return environment


def _bindable(host: str, port: int) -> int:
    """Return the port, or a free one for 0, after seeing that it can be bound."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ModelServerError(
                f"cannot listen on {host}:{port} ({error.strerror}); stop what uses it, or give another --port"
            ) from error
        found: int = probe.getsockname()[1]
        return found


def _await_health(server: ModelServer, ready_seconds: float, report: Report) -> None:
    started = reported = time.monotonic()
    while not is_healthy(server.base_url):
        now = time.monotonic()
        if server.process.poll() is not None:
            raise ModelServerError(f"vLLM ended with exit code {server.process.returncode}:\n{log_tail(server.log)}")
        if now - started > ready_seconds:
            raise ModelServerError(f"vLLM was not healthy after {ready_seconds:.0f} s:\n{log_tail(server.log)}")
        if now - reported > REPORT_SECONDS:
            reported = now
            report("server.progress", f"loading for {now - started:.0f} s")
        time.sleep(POLL_SECONDS)


def log_tail(log: Path) -> str:
    """Return the last lines of a log."""
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_TAIL_LINES:])
