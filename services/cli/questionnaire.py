"""`fiducia questionnaire`: the questions with their options, or a client file to fill in."""

from __future__ import annotations

import sys

from fiducia.advisor.v1 import advisor_service_pb2, client_pb2
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from services.cli.connect import CALL_SECONDS, advisor, find_deployment
from services.cli.proposal_file import to_json
from services.cli.terminal import open_console

_FILE_HEAD = """\
jurisdiction: US          # US or CN
base_currency: USD        # USD or CNY
language: {language}              # en or zh
goal:
  purpose: retirement     # retirement, home, education, growth, preservation or income
  horizon_years: 15       # 1 to 60
cash: 25000               # in the base currency
holdings: []
questionnaire:
  id: {id}
  answers:
"""


async def questionnaire(language: str, address: str | None, *, as_json: bool, as_file: bool) -> int:
    """Print the newest questionnaire."""
    async with advisor(await find_deployment(address)) as stub:
        request = advisor_service_pb2.GetQuestionnaireRequest(language=language)
        found = (await stub.GetQuestionnaire(request, timeout=CALL_SECONDS)).questionnaire
    if as_json:
        sys.stdout.write(to_json(found))
    elif as_file:
        sys.stdout.write(client_file(found))
    else:
        open_console().print(show(found))
    return 0


def show(found: client_pb2.Questionnaire) -> RenderableType:
    """Return each question with its options, by the names that a client file uses."""
    parts: list[RenderableType] = [Text(f"Questionnaire {found.id}", style="bold")]
    for question in found.questions:
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 2))
        table.add_column(no_wrap=True, style="cyan", min_width=14)
        table.add_column(ratio=1, overflow="fold")
        for option in question.options:
            table.add_row(option.id, option.text)
        parts += [Text.assemble(("\n" + question.id, "bold cyan"), f"  {question.text}"), table]
    return Group(*parts)


def client_file(found: client_pb2.Questionnaire) -> str:
    """Return a client file to fill in: every question with its options in a comment and no answer."""
    head = _FILE_HEAD.format(language=found.language or "en", id=found.id)
    lines: list[str] = []
    for question in found.questions:
        lines.append(f"    # {question.text}")
        lines += [f"    #   {option.id}: {option.text}" for option in question.options]
        lines.append(f"    {question.id}: \n")
    return head + "\n".join(lines)
