"""What a run takes, and each service with its address and what it loaded."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text


@dataclass(frozen=True)
class Loaded:
    """A service, its address and what it has loaded, in words."""

    name: str
    address: str
    words: str


def show_services(services: list[Loaded]) -> RenderableType:
    """Return a table of services."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    table.add_column("Service", no_wrap=True)
    table.add_column("Address", no_wrap=True)
    table.add_column("Loaded", ratio=1, overflow="fold")
    for service in services:
        table.add_row(Text(service.name, style="bold"), Text(service.address), Text(service.words))
    return table


def show_cost(time_and_space: str, privacy: str) -> RenderableType:
    """Return what a run takes, and what becomes of the client's data."""
    return Group(Text(time_and_space), Text(privacy))
