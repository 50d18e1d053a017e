"""What came of an import: the documents that went in and out, and each file that did not go in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fiducia.retrieval.v1 import import_pb2
from google.protobuf.json_format import MessageToDict
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from services.cli.format import short
from services.cli.retrieval_files import LeftOut
from services.cli.retrieval_output import counted, printable

# What a document must say, and the options that say it for all.
_OPTIONS = {"source": "--source", "licence": "--licence", "language": "--language", "trust": "--trust"}
# What the command calls the fields of an import's plan.
_FIELDS = {"delete_document_ids": "--delete"}


@dataclass(frozen=True)
class Told:
    """What the service told at the end, what it rejected, and what was not sent to it."""

    outcome: import_pb2.ImportOutcome
    rejected: Sequence[import_pb2.RejectedDocument]
    left_out: Sequence[LeftOut]

    @property
    def is_whole(self) -> bool:
        """Tell whether every document went in; what is passed over in a folder is none."""
        return not self.rejected and not any(one.is_fault for one in self.left_out)


def as_object(told: Told) -> dict[str, Any]:
    """Return it for JSON: the messages in protobuf's form, every count stated."""
    outcome, *rejected = (
        MessageToDict(one, always_print_fields_with_no_presence=True) for one in (told.outcome, *told.rejected)
    )
    left_out = [{"path": one.name, "description": one.reason} for one in told.left_out]
    return {"outcome": outcome, "rejected": rejected, "leftOut": left_out}


def show_outcome(told: Told) -> RenderableType:
    """Return what came of an import."""
    outcome = told.outcome
    return Group(
        *_failures(told),
        Text.assemble(("Index snapshot ", "bold"), (outcome.index_snapshot, "green")),
        Text(_use(outcome)),
        _counts(told),
        *_remarks(outcome),
    )


def _failures(told: Told) -> list[RenderableType]:
    parts: list[RenderableType] = []
    if told.rejected:
        parts += [_table("Rejected", _reasons(told.rejected)), *_hint(told.rejected), Text()]
    if told.left_out:
        parts += [_table("Left out", [(one.name, one.reason) for one in told.left_out]), Text()]
    return parts


def _reasons(rejected: Sequence[import_pb2.RejectedDocument]) -> list[tuple[str, str]]:
    """Return each path, or id to take out, once with all that is wrong with it."""
    reasons: dict[str, list[str]] = {}
    for one in rejected:
        reasons.setdefault(one.path, []).append(
            f"{_FIELDS.get(one.field, one.field)}: {one.description}".removeprefix(": ")
        )
    return [(path, "\n".join(lines)) for path, lines in reasons.items()]


def _table(name: str, rows: Sequence[tuple[str, str]]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    table.add_column(name, overflow="fold", max_width=40)
    table.add_column("What is wrong", ratio=1, overflow="fold")
    for path, reason in rows:
        table.add_row(Text(printable(path)), Text(printable(reason)))
    return table


def _hint(rejected: Sequence[import_pb2.RejectedDocument]) -> list[RenderableType]:
    options = [option for field, option in _OPTIONS.items() if any(one.field == field for one in rejected)]
    return [Text(f"For all documents at once: {' and '.join(options)}.", style="dim")] if options else []


def _use(outcome: import_pb2.ImportOutcome) -> str:
    if outcome.active:
        return "It is the active one now: searches find these documents."
    return f"It is not the active one; `fiducia index activate {short(outcome.index_snapshot)}` makes it so."


def _counts(told: Told) -> Table:
    outcome = told.outcome
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True, style="bold")
    for name, count in (
        ("Added", outcome.added_count),
        ("Changed", outcome.changed_count),
        ("Unchanged", outcome.unchanged_count),
        ("Deleted", outcome.deleted_count),
        ("Rejected files", outcome.rejected_count),
        ("Passages in the snapshot", outcome.passage_count),
    ):
        table.add_row(name, f"{count:,}")
    return table


def _remarks(outcome: import_pb2.ImportOutcome) -> list[RenderableType]:
    parts: list[RenderableType] = []
    if outcome.flagged_passage_count:
        flagged = counted(outcome.flagged_passage_count, "passage")
        parts.append(Text(f"{flagged} flagged: like an instruction to a model; found and never cited.", style="red"))
    return parts
