"""Who the client is as an investor, and what such a client may hold."""

from __future__ import annotations

from collections.abc import Sequence

from fiducia.advisor.v1 import client_pb2, proposal_pb2
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from services.cli.format import client_class, local

_BINDS = {
    client_pb2.BINDING_SIDE_CAPACITY: "capacity binds",
    client_pb2.BINDING_SIDE_TOLERANCE: "tolerance binds",
    client_pb2.BINDING_SIDE_EQUAL: "both alike",
}
_CLASS_WORDS = {
    "C1": "conservative",
    "C2": "cautious",
    "C3": "balanced",
    "C4": "growth",
    "C5": "aggressive",
}
_SHOWN_PRODUCTS = 6


def show_profile(profile: client_pb2.RiskProfile) -> RenderableType:
    """Return `Capacity 41, tolerance 64: capacity binds, class C3 (balanced).` and what the two mean."""
    name = client_class(profile.client_class)
    binds = _BINDS.get(profile.binding_side, "binding side not stated")
    headline = Text.assemble(
        f"Capacity {profile.capacity_score:.0f}, tolerance {profile.tolerance_score:.0f}: {binds}, ",
        (f"class {name}", "bold"),
        f" ({_CLASS_WORDS.get(name, 'not scored')}).",
    )
    meaning = (
        "Capacity is the ability to bear losses, tolerance the willingness, both 0 to 100; the lower one decides. "
        f"A client of {name} may hold products, and a portfolio as a whole, up to R{name[1:]}. "
        f"Questionnaire: {profile.questionnaire_id}."
    )
    return Group(headline, Text(meaning, style="dim"))


def show_universe(universe: proposal_pb2.Universe, language: str) -> RenderableType:
    """Return `63 products, 38 eligible.` and, for the others, how many for which reason."""
    headline = Text.assemble(
        f"{universe.catalogue_count} products, ", (f"{len(universe.eligible_product_ids)} eligible", "bold"), "."
    )
    if not universe.exclusions:
        return headline
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 0))
    table.add_column(justify="right", no_wrap=True)
    table.add_column(ratio=1, overflow="fold")
    for exclusion in universe.exclusions:
        rule = f" [{exclusion.rule_id}]" if exclusion.rule_id else ""
        words = Text(f"{local(exclusion.reason, language)}{rule}")
        words.append(f"  {_some(exclusion.product_ids)}", style="dim")
        table.add_row(str(len(exclusion.product_ids)), words)
    return Group(headline, Text("Not eligible:"), Padding(table, (0, 0, 0, 2)))


def _some(product_ids: Sequence[str]) -> str:
    more = len(product_ids) - _SHOWN_PRODUCTS
    return ", ".join(product_ids[:_SHOWN_PRODUCTS]) + (f" and {more} more" if more > 0 else "")
