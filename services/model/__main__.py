"""Prepare and serve the language model: `python -m services.model prepare`, `python -m services.model serve`."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from services.model.cache import cache_folder
from services.model.environment import prepare_environment
from services.model.errors import ModelServerError
from services.model.health import served_models
from services.model.progress import Report, human_lines, json_lines
from services.model.serve import log_tail, model_server
from services.model.settings import ModelSettings
from services.model.weights import prepare_weights

INTERRUPTED = 130  # The shell's code for an end by Ctrl-C.
EPILOG = """\
settings (environment variables):
  FIDUCIA_MODEL_NAME           embedded (default), a model's name on a hub, or its folder
  FIDUCIA_MODEL_BASE_URL       an OpenAI-compatible server that runs already; nothing is prepared or started
  FIDUCIA_MODEL_PYTHON         the python of an environment with upstream vLLM, for a GPU
  FIDUCIA_MODEL_SERVED_NAME, _PORT, _DTYPE, _MAX_MODEL_LEN, _MAX_NUM_SEQS, _KV_CACHE_GIB,
  FIDUCIA_MODEL_READY_SECONDS, _SHUTDOWN_SECONDS, _EXTRA_ARGS    see services/model/settings.py
  XDG_CACHE_HOME               what is prepared is kept in $XDG_CACHE_HOME/fiducia (default ~/.cache/fiducia)
  PIP_*                        reach pip; torch's CPU build needs PyTorch's index, see locks/model-server-cpu.txt
"""


@dataclass(frozen=True)
class Prepared:
    """The python that runs vLLM and what it loads: a folder, or the name of a model on a hub."""

    python: Path
    model: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code: 0 done or stopped, 1 failed, 130 interrupted."""
    options = _parser().parse_args(arguments)
    report = json_lines(sys.stdout) if options.json else human_lines(sys.stderr)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        settings = ModelSettings()
        if settings.base_url is not None:
            return _report_running(settings, settings.base_url, report)
        prepared = _prepare(settings, report)
        return 0 if options.command == "prepare" else _serve(settings, prepared, options.host, options.port, report)
    except KeyboardInterrupt:
        report("interrupted", "stopped before the end; run it again to go on")
        return INTERRUPTED
    except (ModelServerError, ValueError) as error:  # ValueError: what pydantic raises for a bad setting.
        report("error", str(error))
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m services.model",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    prepare = commands.add_parser("prepare", help="build the server's environment and fetch the model, once")
    serve = commands.add_parser("serve", help="prepare, then serve until SIGTERM or Ctrl-C")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    serve.add_argument("--port", type=int, help="0 takes a free one (default FIDUCIA_MODEL_PORT, 8811)")
    for command in (prepare, serve):
        command.add_argument("--json", action="store_true", help="one JSON object a line on stdout for each event")
    return parser


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """Treat SIGTERM as Ctrl-C, so that every `finally` on the way out runs."""
    raise KeyboardInterrupt


def _report_running(settings: ModelSettings, base_url: str, report: Report) -> int:
    models = served_models(base_url)
    if not models:
        raise ModelServerError(f"FIDUCIA_MODEL_BASE_URL is {base_url}, but {base_url}/models does not answer")
    report("server.model", settings.served_name or models[0])
    report("server.ready", base_url)
    return 0


def _prepare(settings: ModelSettings, report: Report) -> Prepared:
    cache = cache_folder()
    if settings.is_embedded:
        python = prepare_environment(cache, report)
        folder = prepare_weights(cache, python, report)
        return Prepared(settings.python or python, str(folder))
    return Prepared(settings.python or prepare_environment(cache, report), settings.name)


def _serve(settings: ModelSettings, prepared: Prepared, host: str, port: int | None, report: Report) -> int:
    port = settings.port if port is None else port
    log = cache_folder() / "logs" / f"model-server-{port}.log"
    try:
        with model_server(settings, prepared.python, prepared.model, host, port, log, report) as server:
            code = server.process.wait()
            raise ModelServerError(f"vLLM ended by itself with exit code {code}:\n{log_tail(log)}")
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
