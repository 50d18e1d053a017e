"""The whole path for real: `fiducia up`, the four services, a real model, and proposals for the three examples."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.system.cli_kit import Home, up
from tests.system.conftest import RunningModel

pytestmark = [pytest.mark.system, pytest.mark.timeout(1800)]

EXAMPLES = Path("examples/clients")
# What the terminal shows, in this order.
SECTIONS = [
    "What this takes",
    "Services",
    "Client",
    "Universe",
    "Allocation",
    "Advice",
    "Sources",
    "Warnings",
    "One number",
    "Attack 1",
    "Attack 2",
    "State",
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, model_server: RunningModel) -> Iterator[Home]:
    """Yield a home whose services run for all tests of this module."""
    home = Home(tmp_path_factory.mktemp("home"), model_url=model_server.base_url)
    with up(home):
        yield home
    assert home.left_within(5.0) == set()


def test_the_family_gets_the_whole_story(home: Home) -> None:
    status, text = home.run("advise", str(EXAMPLES / "family-us.yaml"))

    assert status == 0, text
    positions = [text.index(f"\n{title}") for title in SECTIONS]
    assert positions == sorted(positions)
    assert "Nothing about the client leaves this machine" in text
    assert "capacity binds, class C3" in text
    assert "MODEL " in text
    assert "held  weights identical: the largest difference of a share is 0" in text
    assert "the proposal is BLOCKED" in text
    assert "BROKEN" not in text
    assert "DRAFT, not approved, illustrative assumptions of 2026-" in text


def test_the_proposal_is_written_whole(home: Home) -> None:
    status, text = home.run("advise", str(EXAMPLES / "family-us.yaml"), "--no-attacks")

    assert status == 0, text
    proposal = read(home.proposals[-1])
    assert sum(line["weight"] for line in lines(proposal)) == pytest.approx(1.0)
    assert proposal["state"] == "PROPOSAL_STATE_AWAITING_APPROVAL"
    assert proposal["segments"]


def test_three_clients_get_three_different_proposals(home: Home) -> None:
    proposals = {}
    for name in ("family-us", "cautious-saver-cn", "young-aggressive-us"):
        status, text = home.run("advise", str(EXAMPLES / f"{name}.yaml"), "--no-attacks", "--json")
        assert status == 0, text
        proposals[name] = json.loads(text[text.index("\n{") :].rpartition("}\n")[0] + "}")

    volatility = {name: proposal["recommendation"]["analysis"]["volatility"] for name, proposal in proposals.items()}
    assert volatility["cautious-saver-cn"] < volatility["family-us"] < volatility["young-aggressive-us"]
    levels = {line["riskLevel"] for line in lines(proposals["cautious-saver-cn"])}
    assert levels <= {"RISK_LEVEL_R1", "RISK_LEVEL_R2"}


def test_a_half_answered_questionnaire_names_the_question_and_leaves_nothing(home: Home, tmp_path: Path) -> None:
    before = len(home.proposals)
    client = example("family-us")
    del client["questionnaire"]["answers"]["withdrawals"]
    client["questionnaire"]["answers"]["horizon"] = "soon"

    status, text = home.run("advise", written(client, tmp_path))

    assert status == 2
    assert '"withdrawals" is not answered' in text
    assert 'questionnaire.answers.horizon: found "soon"' in text
    assert "Traceback" not in text
    assert len(home.proposals) == before


def test_an_unknown_fund_names_its_field(home: Home, tmp_path: Path) -> None:
    client = example("family-us") | {"holdings": [{"product": "NOSUCH", "value": "100"}]}

    status, text = home.run("advise", written(client, tmp_path))

    assert status == 2
    assert 'holdings[0].product: "NOSUCH" is not in the catalogue' in text


def test_a_limit_that_cannot_be_met_is_named(home: Home, tmp_path: Path) -> None:
    before = len(home.proposals)
    client = example("young-aggressive-us")
    client["preferences"] = {
        "max_volatility": "1 %",
        "required_products": [{"product": "VTI", "min_weight": "30 %"}],
    }

    status, text = home.run("advise", written(client, tmp_path))

    assert status == 2
    assert "preferences.max_volatility: yearly volatility at most 1.0 %" in text
    assert len(home.proposals) == before


def test_a_question_is_answered_with_sources(home: Home) -> None:
    status, text = home.run("ask", "Why do bonds fall when interest rates rise?")

    assert status == 0
    assert "[1]" in text
    assert "Sources" in text


def test_proposals_products_and_questionnaire_can_be_looked_up(home: Home) -> None:
    for command in (["proposals", "list"], ["products", "show", "511220"], ["questionnaire", "--language", "zh"]):
        status, text = home.run(*command)
        assert status == 0, text

    assert "not available" in home.run("products", "show", "511220")[1]


def example(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((EXAMPLES / f"{name}.yaml").read_text())
    return loaded


def written(client: dict[str, Any], folder: Path) -> str:
    file = folder / "client.yaml"
    file.write_text(yaml.safe_dump(client, allow_unicode=True))
    return str(file)


def read(file: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(file.read_text())
    return loaded


def lines(proposal: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = proposal["recommendation"]["lines"]
    return found
