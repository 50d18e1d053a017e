"""Requests to the optimizer as files: what is read, and everything that is told of what cannot be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from fiducia.optimizer.v1 import backtest_pb2, rebalance_pb2
from fiducia.optimizer.v1 import optimizer_service_pb2 as service
from google.protobuf.json_format import MessageToJson
from hypothesis import given
from hypothesis import strategies as st

from services.cli.errors import CliError, Problem
from services.cli.optimizer_request import read_request

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "examples" / "optimizer"


def read(folder: Path, text: str, name: str = "request.yaml") -> service.OptimizePortfolioRequest:
    (folder / name).write_text(text, encoding="utf-8")
    return read_request(folder / name, service.OptimizePortfolioRequest()).message


def problems(folder: Path, text: str) -> dict[str, str]:
    with pytest.raises(CliError) as refusal:
        read(folder, text)
    assert refusal.value.status == 2
    assert "request.yaml" in refusal.value.message
    return {problem.field: problem.message for problem in refusal.value.problems}


def test_names_and_values_are_those_of_the_contract(tmp_path: Path) -> None:
    text = """
problem:
  products:
    - {product_id: 000123, risk_level: RISK_LEVEL_R2, currency_hedged: true, expense_ratio: 1e-3}
  limits: {max_turnover: .25, positions: {maxPositions: 3}}
objective: {minimum_variance: {}}
"""
    request = read(tmp_path, text)

    product = request.problem.products[0]
    assert (product.product_id, product.risk_level, product.currency_hedged) == ("000123", 2, True)
    assert (product.expense_ratio, request.problem.limits.max_turnover) == (0.001, 0.25)
    assert request.problem.limits.positions.max_positions == 3
    assert request.objective.WhichOneof("goal") == "minimum_variance"


def test_every_problem_is_told_at_once_with_field_and_line(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        "problem:\n  productz: []\n  limits: {max_turnover: 5 %, min_cash: ten}\n  products:\n    - VTI\n"
        "objective:\n  minimum_variance:\n  maximum_sharpe: {}\nresamples: 1.5\nwith_limit_costs: yes\n",
    )

    assert found["problem.productz"] == "unknown field; did you mean `products`? (line 2)"
    assert found["problem.limits.max_turnover"] == "found '5 %', expected a fraction; write 0.05 (line 3)"
    assert found["problem.limits.min_cash"].startswith("found 'ten', expected a number")
    assert found["problem.products[0]"].startswith("found 'VTI', expected fields of its own: product_id, asset_class")
    assert found["objective.minimum_variance"] == "empty; write `{}`, for it has no fields (line 7)"
    assert found["objective.maximum_sharpe"].startswith("cannot stand beside minimum_variance")
    assert found["resamples"] == "found '1.5', expected a whole number (line 9)"
    assert found["with_limit_costs"] == "found 'yes', expected true or false (line 10)"


@pytest.mark.parametrize(
    ("text", "field", "words"),
    [
        ("problem: {products: {product_id: VTI}}", "problem.products", "expected a list"),
        ("problem: {base_currency: [USD]}", "problem.base_currency", "expected a single value"),
        ("problem: {base_currency: }", "problem.base_currency", "empty"),
        ("problem: {products: [{risk_level: R3}]}", "problem.products[0].risk_level", "did you mean RISK_LEVEL_R3?"),
        ("problem: {products: [{risk_level: high}]}", "problem.products[0].risk_level", "choose one of RISK_LEVEL_R1"),
        ("problem: {limits: {max_turnover: .nan}}", "problem.limits.max_turnover", "expected a number"),
        ("problem: {limits: {max_turnover: 1e999}}", "problem.limits.max_turnover", "beyond every number"),
        ("problem: {limits: {max_turnover: 0.1, max_turnover: 0.2}}", "problem.limits.max_turnover", "stands twice"),
        ("resamples: 3000000000", "resamples", "from -2147483648 to 2147483647"),
        ("problem:\n", "problem", "empty; write its fields below: base_currency"),
    ],
)
def test_a_wrong_value_is_told_by_what_was_found_and_what_to_do(
    text: str, field: str, words: str, tmp_path: Path
) -> None:
    assert words in problems(tmp_path, text)[field]


def test_a_date_is_written_as_the_contract_has_it(tmp_path: Path) -> None:
    file = tmp_path / "backtest.yaml"
    file.write_text("start: 2020-01-02\n")

    with pytest.raises(CliError) as refusal:
        read_request(file, backtest_pb2.RunBacktestRequest())

    (problem,) = refusal.value.problems
    assert problem == Problem(
        "start", "found '2020-01-02', expected a date like `{year: 2026, month: 11, day: 22}` (line 1)"
    )


def test_null_is_an_absent_field_as_in_json(tmp_path: Path) -> None:
    request = read(tmp_path, '{"problem": {"limits": {"max_turnover": null}}}')

    assert not request.problem.limits.HasField("max_turnover")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"- a list\n", "holds no fields"),
        (b"", "holds no fields"),
        (b"a: [", "is not valid YAML"),
        (b"\xff\xfe\xff", "is not text in UTF-8"),
    ],
)
def test_what_is_no_request_is_told(content: bytes, words: str, tmp_path: Path) -> None:
    file = tmp_path / "request.yaml"
    file.write_bytes(content)

    with pytest.raises(CliError, match=words):
        read_request(file, service.OptimizePortfolioRequest())


def test_a_missing_file_and_wrong_json_are_told(tmp_path: Path) -> None:
    with pytest.raises(CliError, match="cannot be read: No such file"):
        read_request(tmp_path / "none.yaml", service.OptimizePortfolioRequest())
    with pytest.raises(CliError, match=r"is not valid JSON: .*line 1"):
        read(tmp_path, "{'problem': 1}", "request.json")


def test_json_with_tabs_and_escapes_is_read(tmp_path: Path) -> None:
    text = json.dumps({"problem": {"base_currency": "USD", "products": [{"issuer": "\U0001f600 基金"}]}}, indent="\t")

    request = read(tmp_path, text, "request.json")

    assert request.problem.products[0].issuer == "\U0001f600 基金"


def test_a_violation_of_the_service_gets_the_line_of_its_field_or_of_the_part_around_it(tmp_path: Path) -> None:
    file = tmp_path / "request.yaml"
    file.write_text("problem:\n  products:\n    - product_id: A\n    - product_id: B\n")
    asked = read_request(file, service.OptimizePortfolioRequest())
    found = [Problem(field, "wrong") for field in ("problem.products[1].expense_ratio", "problem.limits", "objective")]

    told = asked.refused(CliError("refused", problems=found))

    assert [problem.message for problem in told.problems] == ["wrong (line 4)", "wrong (line 1)", "wrong"]
    assert str(file) in told.message


@given(
    weights=st.lists(st.floats(0.0, 1.0), max_size=4),
    name=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8),
    resamples=st.integers(0, 200),
)
def test_a_message_written_as_json_is_read_back_the_same(
    weights: list[float], name: str, resamples: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    request = service.OptimizePortfolioRequest(resamples=resamples)
    request.problem.base_currency = name
    for weight in weights:
        request.problem.current_weights.add(product_id=name, weight=weight)
    folder = tmp_path_factory.mktemp("back")

    for ending in ("json", "yaml"):
        assert read(folder, MessageToJson(request), f"request.{ending}") == request


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.yaml")), ids=lambda file: file.name)
def test_examples_hold_the_products_as_the_knowledge_base_does(file: Path) -> None:
    raw = yaml.load(file.read_text(), Loader=yaml.BaseLoader)
    for product in raw.get("problem", {}).get("products", []):
        (entry,) = (ROOT / "kb" / "products").glob(f"*/{product['product_id']}.yaml")
        known = yaml.safe_load(entry.read_text())
        exposures = {item["asset_class"]: float(item["loading"]) for item in product["exposures"]}
        assert product["asset_class"] == known["asset_class"]
        assert exposures == known["exposures"]["classes"]
        assert float(product["specific_volatility"]) == known["exposures"]["specific_volatility"]
        assert float(product["expense_ratio"]) == known["expense_ratio"]["value"]
        assert product["risk_level"] == f"RISK_LEVEL_{known['risk_level']['level']}"
        assert (product.get("currency_hedged") == "true") == known["exposures"].get("currency_hedged", False)


def test_the_rebalancing_example_is_read() -> None:
    request = read_request(EXAMPLES / "rebalance.yaml", rebalance_pb2.ProposeRebalanceRequest()).message

    assert [lot.lot_id for lot in request.lots][:2] == ["vti-2019", "vti-2026"]
    assert request.tax.max_realised_gain == 3000
