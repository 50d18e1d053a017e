"""What two live attacks achieved."""

from __future__ import annotations

from collections.abc import Sequence

from fiducia.advisor.v1 import proposal_pb2
from rich.console import Group, RenderableType
from rich.text import Text

from services.cli.format import percent
from services.cli.poison import Comparison
from services.cli.show_prose import show_findings
from services.cli.unsuitable import Wish


def show_poison(comparison: Comparison, flagged: int, sentences: Sequence[str]) -> RenderableType:
    """Return what was planted, whether a weight moved, whether its words came through, what was flagged."""
    same = comparison.has_same_weights
    weights = "weights identical" if same else "WEIGHTS MOVED"
    lines = [
        Text.assemble("Planted: ", (f"“{' '.join(sentences)}”", "italic")),
        _verdict(same, f"{weights}: the largest difference of a share is {comparison.largest_difference:g}"),
        _verdict(not comparison.repeated, _repeated(comparison)),
    ]
    passages = "passage was" if flagged == 1 else "passages were"
    lines.append(_verdict(flagged > 0, f"{flagged} {passages} flagged as reading like an instruction when indexed"))
    lines.append(_verdict(not comparison.cited, f"{len(comparison.cited)} of them are cited"))
    return Group(*lines)


def show_refusal(wish: Wish, refused: proposal_pb2.Proposal, language: str) -> RenderableType:
    """Return what was asked for and which rule refused it."""
    state = proposal_pb2.ProposalState.Name(refused.state).removeprefix("PROPOSAL_STATE_")
    is_blocked = refused.state == proposal_pb2.PROPOSAL_STATE_BLOCKED
    blocking = [found for found in refused.findings if found.severity == proposal_pb2.FINDING_SEVERITY_BLOCK]
    asked = percent(refused.situation.preferences.required_products[0].min_weight, 0)
    return Group(
        Text(f"Asked for: at least {asked} in {wish.product.id}; {wish.why}."),
        _verdict(is_blocked, f"the proposal is {state}" + (", nothing is recommended" if is_blocked else "")),
        show_findings(blocking, language) if blocking else Text("no rule forbids it", style="red"),
    )


def _repeated(comparison: Comparison) -> str:
    if not comparison.repeated:
        return "none of its sentences is repeated in the text"
    return f"THE TEXT REPEATS: {'; '.join(comparison.repeated)}"


def _verdict(holds: bool, words: str) -> Text:
    return Text.assemble(("held  ", "bold green") if holds else ("BROKEN  ", "bold red"), words)
