"""A proposal on the terminal, section by section, as its events arrive."""

from __future__ import annotations

from dataclasses import dataclass, field

from fiducia.advice.v1 import segment_pb2
from fiducia.advisor.v1 import client_pb2, proposal_pb2
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.text import Text

from services.cli.poison import largest_difference
from services.cli.show_allocation import show_recommendation
from services.cli.show_client import show_profile, show_universe
from services.cli.show_prose import show_segment
from services.cli.terminal import Update

_STAGES = {
    proposal_pb2.PROPOSAL_STAGE_PROFILE: "scoring the client",
    proposal_pb2.PROPOSAL_STAGE_UNIVERSE: "selecting the eligible products",
    proposal_pb2.PROPOSAL_STAGE_ALLOCATION: "computing the portfolio and searching passages",
    proposal_pb2.PROPOSAL_STAGE_ADVICE: "writing; only verified text is shown",
    proposal_pb2.PROPOSAL_STAGE_CHECK: "checking the rules",
}


def print_section(console: Console, title: str, *parts: RenderableType) -> None:
    """Print a titled section."""
    console.print()
    console.print(Rule(title, align="left", style="dim"))
    for part in parts:
        console.print(_indented(part))


@dataclass
class Printer:
    """Prints each event once; what a second proposal for the same client repeats is not printed again."""

    console: Console
    situation: client_pb2.ClientSituation
    segments: list[segment_pb2.Segment] = field(default_factory=list)
    recommendation: proposal_pb2.Recommendation | None = None
    _printed: set[str] = field(default_factory=set)

    def show(self, event: proposal_pb2.ProposalEvent, update: Update) -> None:
        """Print what the event tells, or change the words of what is going on."""
        kind = event.WhichOneof("event")
        if kind == "stage_started":
            update(_STAGES.get(event.stage_started, "working"))
        elif kind == "segment_verified":
            self._segment(event.segment_verified)
        elif kind is not None and kind not in self._printed:
            self._printed.add(kind)
            self._section(kind, event)
        elif kind == "recommendation_computed":
            self._again(event.recommendation_computed)

    def _section(self, kind: str, event: proposal_pb2.ProposalEvent) -> None:
        if kind == "profile_scored":
            print_section(self.console, "Client", show_profile(event.profile_scored))
        elif kind == "universe_selected":
            print_section(self.console, "Universe", show_universe(event.universe_selected, self.situation.language))
        elif kind == "recommendation_computed":
            self.recommendation = event.recommendation_computed
            print_section(self.console, "Allocation", show_recommendation(self.recommendation, self.situation))

    def _again(self, recommendation: proposal_pb2.Recommendation) -> None:
        """Tell whether a second proposal for the same client has the same portfolio."""
        if self.recommendation is None:
            return
        moved = largest_difference(self.recommendation, recommendation)
        words = f"Computed again now that the model answers: the largest difference of a share is {moved:g}."
        self.console.print(_indented(Text(words, style="dim")))

    def _segment(self, segment: segment_pb2.Segment) -> None:
        if not self.segments:
            print_section(self.console, "Advice: nothing is shown before it is verified")
        is_first = segment.kind not in {earlier.kind for earlier in self.segments[-1:]}
        self.segments.append(segment)
        self.console.print(_indented(show_segment(segment, is_first_of_kind=is_first)))


def _indented(part: RenderableType) -> RenderableType:
    return Padding(part, (0, 0, 0, 1), expand=False)
