"""The four services and the model server as children: started together, awaited, stopped in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from services.cli.child import Child, Command
from services.cli.errors import SERVICE_DOWN, CliError
from services.cli.health import is_serving

# The front door first, so that no new work arrives; what others depend on last.
STOP_ORDER = ("orchestrator", "advice", "optimizer", "retrieval", "model")
_POLL_SECONDS = 0.1
# Loading the embedder takes 5 to 15 s on two busy cores; ten times that is a fault.
_READY_SECONDS = 180.0

Progress = Callable[[str], None]


class Stack:
    """Children by name. Use it as an async context manager: at its end none of them is left."""

    def __init__(self, log_folder: Path, port_folder: Path) -> None:
        self._log_folder = log_folder
        self._port_folder = port_folder
        self.children: dict[str, Child] = {}
        self.addresses: dict[str, str] = {}

    async def __aenter__(self) -> Stack:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def start(self, command: Command) -> Child:
        """Start a child; its port, if it tells one, is awaited by `listening`."""
        self._port_file(command.name).unlink(missing_ok=True)
        environment = {**command.environment, "FIDUCIA_PORT_FILE": str(self._port_file(command.name))}
        child = Child(
            Command(command.name, command.arguments, environment, command.death_signal, command.grace_seconds),
            self._log_folder,
        )
        self.children[command.name] = child
        return child

    async def listening(self, names: Sequence[str]) -> Mapping[str, str]:
        """Return host:port of each service, as soon as all of them listen."""
        async with asyncio.timeout(_READY_SECONDS):
            while any(name not in self.addresses for name in names):
                self.require_alive(names)
                for name in names:
                    with suppress(FileNotFoundError):
                        port = self._port_file(name).read_text(encoding="utf-8")
                        self.addresses[name] = f"127.0.0.1:{port}"
                await asyncio.sleep(_POLL_SECONDS)
        return {name: self.addresses[name] for name in names}

    async def serving(self, names: Sequence[str], progress: Progress) -> None:
        """Return when all these services have loaded their data; raise CliError when one ends or takes too long."""
        missing = list(names)
        try:
            async with asyncio.timeout(_READY_SECONDS):
                while missing:
                    progress(f"waiting for {', '.join(missing)}")
                    self.require_alive(names)
                    missing = [name for name in missing if not await is_serving(self.addresses[name])]
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError as error:
            raise self._failure(missing[0], f"was not ready after {_READY_SECONDS:.0f} s") from error

    def require_alive(self, names: Sequence[str]) -> None:
        """Raise CliError with the last lines of its log if one of these children has ended."""
        for name in names:
            status = self.children[name].exit_status
            if status is not None:
                raise self._failure(name, f"ended with exit status {status}")

    async def stop(self) -> None:
        """Stop every child, the front door first and the model server last; kill what does not stop."""
        try:
            for name in sorted(self.children, key=_stop_rank):
                await self.children[name].stop()
        finally:
            for child in self.children.values():
                child.kill()
            for name in self.children:
                self._port_file(name).unlink(missing_ok=True)
            with suppress(OSError):
                self._port_folder.rmdir()

    def _failure(self, name: str, what: str) -> CliError:
        child = self.children[name]
        return CliError(f"{name} {what}; the end of {child.log}:\n{child.tail()}", SERVICE_DOWN)

    def _port_file(self, name: str) -> Path:
        self._port_folder.mkdir(parents=True, exist_ok=True)
        return self._port_folder / f"{name}.port"


def _stop_rank(name: str) -> int:
    return STOP_ORDER.index(name) if name in STOP_ORDER else -1
