"""The commands of the optimizer, each with its example, against a real optimizer process."""

from __future__ import annotations

import json
import random
import re
from collections.abc import AsyncIterator, Coroutine
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.integration.cli.command import Done, fiducia
from tests.integration.orchestrator.processes import ROOT, process, run

pytestmark = pytest.mark.asyncio(loop_scope="module")

EXAMPLES = ROOT / "examples" / "optimizer"
# By file: the command, and what its table says.
COMMANDS = {
    "optimize.yaml": ("optimize", ["Held back by", "one point more turnover adds", "What each limit costs"]),
    "optimize-cn.yaml": ("optimize", ["518880", "checked by its own KKT residuals"]),
    "optimize-infeasible.yaml": ("optimize", ["contradict each other", "limits.max_volatility", "shares at least"]),
    "batch.yaml": ("batch", ["family return", "saver return", "contradiction: limits."]),
    "frontier.yaml": ("frontier", ["<- best", "Return / volatility"]),
    "risk.yaml": ("risk", ["Loss in bad outcomes", "By asset class", "global-2008", "Beta to the benchmark"]),
    "rebalance.yaml": ("rebalance", ["Orders, sales first", "vti-2026", "harvest", "Tax, estimated", "wash sales"]),
    "project.yaml": ("project", ["Probability that the goal is met", "±", "More to pay in a month for 85.0 %"]),
    "backtest.yaml": ("backtest", ["Strategy", "Benchmark", "Rebalancings", "Largest fall from a peak"]),
    "market-import.yaml": ("market import", ["4 products", "No fault was found"]),
}  # fmt: skip
PNG = b"\x89PNG\r\n\x1a\n"
SMALLEST_PICTURE_BYTES = 20_000  # An empty page has about 6,000.


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def address(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    folder = tmp_path_factory.mktemp("optimizer")
    await run("services.optimizer.ingest", str(ROOT / "kb"), str(folder / "market"))
    async with process("optimizer", folder, optimizer_workers="1") as optimizer:
        await optimizer.until_serving()
        yield optimizer.address


@pytest.fixture(scope="module")
def prices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a table of made-up prices of four funds over five years."""
    file, numbers = tmp_path_factory.mktemp("prices") / "prices.csv", random.Random(5)
    moves = {"VTI": (4e-4, 0.011), "VXUS": (2e-4, 0.012), "BND": (1e-4, 0.003), "GLD": (2e-4, 0.009)}
    worth, lines = dict.fromkeys(moves, 100.0), ["date," + ",".join(moves)]
    for days in range(5 * 365):
        day = date(2020, 1, 1) + timedelta(days)
        if day.weekday() < 5:
            worth = {name: value * (1 + numbers.gauss(*moves[name])) for name, value in worth.items()}
            lines.append(f"{day}," + ",".join(f"{value:.6f}" for value in worth.values()))
    file.write_text("\n".join(lines) + "\n")
    return file


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def snapshot(address: str, prices: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    example = str(EXAMPLES / "market-import.yaml")
    arguments = ("market", "import", example, "--prices", str(prices), "--address", address, "--json")
    done = await fiducia(*arguments, home=tmp_path_factory.mktemp("home"))
    return str(json.loads(done.out)["marketSnapshot"])


@pytest.fixture
def more(prices: Path, snapshot: str) -> dict[str, tuple[str, ...]]:
    """Return what some commands need besides their file."""
    return {"market import": ("--prices", str(prices)), "backtest": ("--market", snapshot)}


def edited(name: str, folder: Path, *changes: tuple[str, str]) -> Path:
    """Return a copy of an example in which texts are replaced."""
    text = (EXAMPLES / name).read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    (folder / name).write_text(text)
    return folder / name


def broken(prices: Path, folder: Path) -> Path:
    """Return the table with prices of the first fund that cannot be, from row 600 on."""
    lines = prices.read_text().splitlines()
    lines[600:] = [re.sub(r",[^,]+,", ",-1,", line, count=1) for line in lines[600:]]
    file = folder / "broken.csv"
    file.write_text("\n".join(lines))
    return file


def one_line(done: Done) -> str:
    return " ".join(done.out.split())


async def test_every_example_belongs_to_a_command() -> None:
    assert {file.name for file in EXAMPLES.iterdir()} == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
async def test_an_example_is_answered_with_tables(
    name: str, address: str, more: dict[str, tuple[str, ...]], tmp_path: Path
) -> None:
    command, says = COMMANDS[name]

    done = await fiducia(
        *command.split(), str(EXAMPLES / name), "--address", address, *more.get(command, ()), home=tmp_path
    )

    assert (done.status, done.err) == (0, "")
    assert [words for words in says if words not in one_line(done)] == []
    assert max(map(len, done.out.splitlines())) <= 100


@pytest.mark.parametrize("name", COMMANDS)
async def test_json_is_the_response_and_the_only_thing_on_standard_output(
    name: str, address: str, more: dict[str, tuple[str, ...]], tmp_path: Path
) -> None:
    command, _ = COMMANDS[name]

    done = await fiducia(
        *command.split(), str(EXAMPLES / name), "--json", "--address", address, *more.get(command, ()), home=tmp_path
    )

    assert done.status == 0
    assert [json.loads(line) for line in done.out.splitlines()] if command == "batch" else json.loads(done.out)


@pytest.mark.parametrize(
    "name", ["optimize.yaml", "frontier.yaml", "risk.yaml", "rebalance.yaml", "project.yaml", "backtest.yaml"]
)
async def test_a_picture_is_drawn_where_it_is_asked_for(
    name: str, address: str, more: dict[str, tuple[str, ...]], tmp_path: Path
) -> None:
    command, picture = COMMANDS[name][0], tmp_path / "picture.png"

    done = await fiducia(
        command, str(EXAMPLES / name), "--plot", str(picture), "--address", address, *more.get(command, ()),
        home=tmp_path,
    )  # fmt: skip

    assert (done.status, done.err) == (0, "")
    content = picture.read_bytes()
    assert content.startswith(PNG)
    assert len(content) > SMALLEST_PICTURE_BYTES


async def test_what_the_optimizer_refuses_is_told_by_file_field_and_line(address: str, tmp_path: Path) -> None:
    file = edited(
        "optimize.yaml",
        tmp_path,
        ("max_weight: 0.40", "max_weight: 1.40"),
        ("risk_aversion: 6", "risk_aversion: -6"),
        ("{product_id: VTI, weight", "{product_id: XXX, weight"),
    )

    done = await fiducia("optimize", str(file), "--address", address, home=tmp_path)

    assert done.status == 2
    assert f"{file} cannot be used" in done.err
    fields = ["problem.limits.products[0].max_weight: found 1.4", "risk_aversion: found -6", "found 'XXX'"]
    assert [field for field in fields if field not in done.err] == []
    assert len(re.findall(r"\(line \d+\)", done.err)) == 3


async def test_a_pair_that_is_not_supported_is_a_matter_of_the_file(address: str, tmp_path: Path) -> None:
    file = edited("optimize.yaml", tmp_path, ("mean_variance_utility: {risk_aversion: 6}", "minimum_cvar: {}"))

    done = await fiducia("optimize", str(file), "--address", address, home=tmp_path)

    assert done.status == 2
    assert str(file) in done.err
    assert "docs/optimizer.md lists what goes together" in done.err


async def test_a_contradiction_is_an_answer_and_draws_nothing(address: str, tmp_path: Path) -> None:
    picture, example = tmp_path / "picture.png", str(EXAMPLES / "optimize-infeasible.yaml")

    done = await fiducia("optimize", example, "--plot", str(picture), "--address", address, home=tmp_path)

    assert done.status == 0
    assert "there is no portfolio to draw" in one_line(done)
    assert not picture.exists()


async def test_a_relaxed_bound_that_is_shown_can_be_met(address: str, tmp_path: Path) -> None:
    example = str(EXAMPLES / "optimize-infeasible.yaml")
    told = json.loads((await fiducia("optimize", example, "--json", "--address", address, home=tmp_path)).out)
    relaxed = {limit["field"]: limit["relaxedBound"] for limit in told["infeasibility"]["conflicts"]}
    bound = relaxed["limits.max_volatility"]
    file = edited("optimize-infeasible.yaml", tmp_path, ("max_volatility: 0.08", f"max_volatility: {bound!r}"))

    done = await fiducia("optimize", str(file), "--address", address, home=tmp_path)

    assert "No portfolio" not in done.out
    assert "checked by its own KKT residuals" in one_line(done)


async def test_faults_of_prices_are_shown_by_product(address: str, prices: Path, tmp_path: Path) -> None:
    file = broken(prices, tmp_path)
    example = str(EXAMPLES / "market-import.yaml")

    done = await fiducia("market", "import", example, "--prices", str(file), "--address", address, home=tmp_path)

    assert done.status == 0
    assert "VTI left out until it is mended" in one_line(done)
    assert "not positive" in done.out


async def test_a_missing_or_empty_table_of_prices_is_told(address: str, tmp_path: Path) -> None:
    example, empty = str(EXAMPLES / "market-import.yaml"), tmp_path / "empty.csv"
    empty.touch()

    missing = await fiducia("market", "import", example, "--prices", "nowhere.csv", home=tmp_path)
    nothing = await fiducia("market", "import", example, "--prices", str(empty), home=tmp_path)

    assert (missing.status, nothing.status) == (2, 2)
    assert "--prices nowhere.csv cannot be read" in missing.err
    assert "is empty" in nothing.err


async def test_a_client_of_a_batch_that_fails_is_told_by_line_and_fails_no_other(address: str, tmp_path: Path) -> None:
    file = edited("batch.yaml", tmp_path, ("max_volatility: 0.04", "max_volatility: -4"))

    told = await fiducia("batch", str(file), "--address", address, home=tmp_path)
    lines = await fiducia("batch", str(file), "--json", "--address", address, home=tmp_path)

    assert (told.status, lines.status) == (2, 2)
    assert "failed: INVALID_REQUEST: items[0].limits.max_volatility: found -4" in one_line(told)
    number = file.read_text().splitlines().index("    limits: {max_volatility: -4, min_cash: 0.05}") + 1
    assert f"(line {number})" in one_line(told)
    assert "3 clients: 1 with a portfolio, 1 with limits that contradict each other, 1 failed." in one_line(told)
    found = {row["itemId"]: row for row in map(json.loads, lines.out.splitlines())}
    assert sorted(found) == ["contradiction", "family", "saver"]
    assert found["saver"]["error"]["reason"] == "INVALID_REQUEST"
    assert found["family"]["optimal"]["weights"]


async def test_a_wrong_universe_of_a_batch_is_told_by_line(address: str, tmp_path: Path) -> None:
    file = edited("batch.yaml", tmp_path, ("expense_ratio: 0.0003", "expense_ratio: 3"))

    done = await fiducia("batch", str(file), "--address", address, home=tmp_path)

    assert (done.status, done.out) == (2, "")
    assert "universe.products[0].expense_ratio: found 3" in done.err
    assert "(line " in done.err


async def test_snapshots_are_listed_shown_and_activated_by_their_first_digits(
    address: str, snapshot: str, tmp_path: Path
) -> None:
    def market(*arguments: str) -> Coroutine[Any, Any, Done]:
        return fiducia("market", *arguments, "--address", address, home=tmp_path)

    before = json.loads((await market("show", "--json")).out)
    listed = await market("list")
    shown = await market("show", snapshot[:12])
    activated = await market("activate", snapshot[:12])
    after = json.loads((await market("list", "--json")).out)
    await market("activate", before["marketSnapshot"])

    assert (listed.status, shown.status, activated.status) == (0, 0, 0)
    assert f"{before['marketSnapshot'][:12]} active" in one_line(listed)
    assert f"{snapshot[:12]} " in one_line(listed)
    says = ["Expected returns", "Covariance", "Products (4)", "No fault was found"]
    assert [words for words in says if words not in one_line(shown)] == []
    assert snapshot in activated.out
    assert [entry["id"] for entry in after["snapshots"] if entry.get("active")] == [snapshot]


@pytest.mark.parametrize("name", ["f" * 12, "3f", "latest", "f" * 64])
async def test_a_snapshot_that_is_not_there_is_no_traceback(address: str, name: str, tmp_path: Path) -> None:
    done = await fiducia("market", "show", name, "--address", address, home=tmp_path)

    assert (done.status, done.out) == (2, "")
    assert name[:12] in done.err
    assert "Traceback" not in done.err


async def test_an_optimizer_that_is_down_is_named_without_a_traceback(tmp_path: Path) -> None:
    done = await fiducia("optimize", str(EXAMPLES / "optimize.yaml"), "--address", "127.0.0.1:1", home=tmp_path)

    assert done.status == 3
    assert "optimizer at 127.0.0.1:1 does not answer" in done.err
    assert "Traceback" not in done.err


async def test_without_services_one_message_says_what_to_do(tmp_path: Path) -> None:
    done = await fiducia("risk", str(EXAMPLES / "risk.yaml"), home=tmp_path)

    assert done.status == 2
    assert "start them with `fiducia up`" in done.err
