"""What a renderable looks like on a terminal of a given width."""

from __future__ import annotations

from rich.console import Console, RenderableType


def shown(*renderables: RenderableType, width: int = 100) -> str:
    console = Console(width=width, force_terminal=False, highlight=False, emoji=False, markup=False)
    with console.capture() as capture:
        for renderable in renderables:
            console.print(renderable)
    return capture.get()


def flat(*renderables: RenderableType) -> str:
    """Return the same as one line: what it says, wherever it breaks."""
    return " ".join(shown(*renderables).split())
