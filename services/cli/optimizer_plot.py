"""What all pictures share: paper, colours, title, and the file they go to. matplotlib is loaded on first use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from services.cli.errors import CliError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Colours that stay apart for people who see red and green alike (Okabe and Ito 2008).
BLUE, ORANGE, GREEN, RED, GREY, INK = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#9AA3AB", "#22303C"
SERIES = (BLUE, ORANGE, GREEN, "#CC79A7", "#56B4E9", RED, "#F0E442", "#7A5195", "#8C6D31", "#5A7F8C", "#B3B3B3")
_SIZE_INCHES = (10.5, 6.0)
_DOTS_PER_INCH = 160
_ENDINGS = (".png", ".svg", ".pdf")
_TITLE_Y, _CAPTION_Y = 0.945, 0.025


def check_plot(path: Path | None) -> None:
    """Raise CliError where a picture could not be written, before anything is computed for it."""
    if path is None:
        return
    if path.suffix.lower() not in _ENDINGS:
        raise CliError(f"--plot {path} is not possible; end the name with {', '.join(_ENDINGS)}")
    if not path.parent.is_dir():
        raise CliError(f"--plot {path}: there is no folder {path.parent}; make it first")
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise CliError("--plot needs matplotlib; install it with `pip install 'fiducia[cli]'`") from error


def new_figure(title: str, caption: str) -> Figure:
    """Return an empty page with a title above and a caption below; it needs no screen."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=_SIZE_INCHES, facecolor="white")
    figure.text(0.035, _TITLE_Y, title, fontsize=15, fontweight="bold", color=INK, va="center")
    figure.text(0.035, _CAPTION_Y, caption, fontsize=8, color="#5C6670", va="bottom", linespacing=1.35)
    return figure


def plain(axes: Axes, title: str = "") -> Axes:
    """Take away what only distracts: frame and ticks; keep a faint grid."""
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color("#C9CFD4")
    axes.tick_params(colors="#44505A", labelsize=9, length=0)
    axes.grid(color="#E6EAED", linewidth=0.8)
    axes.set_axisbelow(True)
    if title:
        axes.set_title(title, loc="left", fontsize=11, color=INK, pad=10)
    return axes


def percent_axis(axes: Axes, which: str) -> None:
    """Write the numbers of an axis as per cent; they are per cent already."""
    from matplotlib.ticker import FuncFormatter

    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} %"))


def write_picture(figure: Figure, path: Path) -> None:
    """Write the picture; raises CliError where the file cannot be written."""
    try:
        figure.savefig(path, dpi=_DOTS_PER_INCH)
    except OSError as error:
        raise CliError(f"--plot {path} cannot be written: {error.strerror or error}") from error
