"""Reading a client file: everything wrong is told at once, by its path and with what to do."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from services.cli.client_read import read_client_file
from services.cli.client_values import parse_amount, parse_fraction
from services.cli.errors import BAD_INPUT, CliError

EXAMPLES = sorted(Path("examples/clients").glob("*.yaml"))
GOOD = {
    "jurisdiction": "US",
    "base_currency": "USD",
    "goal": {"purpose": "retirement", "horizon_years": 18},
    "questionnaire": {"answers": {"horizon": "over_15y"}},
    "holdings": [{"product": "BND", "units": 10, "price": "72.50 USD"}],
    "cash": "25,000 USD",
}


def problems_of(tmp_path: Path, **changes: object) -> dict[str, str]:
    """Return the problems of a good file with these changes, by path; a change to None removes the field."""
    file = tmp_path / "client.yaml"
    fields = {key: value for key, value in {**GOOD, **changes}.items() if value is not None}
    file.write_text(yaml.safe_dump(fields), encoding="utf-8")
    with pytest.raises(CliError) as caught:
        read_client_file(file)
    assert caught.value.status == BAD_INPUT
    return {problem.field: problem.message for problem in caught.value.problems}


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_every_example_can_be_read(file: Path) -> None:
    assert read_client_file(file).questionnaire.answers


def test_there_are_three_examples() -> None:
    assert len(EXAMPLES) >= 3


def test_a_code_that_begins_with_zeros_stays_a_code(tmp_path: Path) -> None:
    file = tmp_path / "client.yaml"
    text = yaml.safe_dump({**GOOD, "holdings": []}) + "preferences: {excluded_products: [000123]}\n"
    file.write_text(text, encoding="utf-8")

    client = read_client_file(file)

    assert client.preferences.excluded_products == ["000123"]


def test_a_missing_field_is_named_with_an_example(tmp_path: Path) -> None:
    problems = problems_of(tmp_path, jurisdiction=None)

    assert problems == {"jurisdiction": "missing; add it, for example `jurisdiction: US`"}


def test_an_unknown_field_is_named_with_the_likely_one(tmp_path: Path) -> None:
    problems = problems_of(tmp_path, preferences={"max_turnovr": 0.2})

    assert problems == {"preferences.max_turnovr": "unknown field; did you mean `max_turnover`?"}


def test_a_negative_amount_is_refused(tmp_path: Path) -> None:
    problems = problems_of(tmp_path, cash="-5")

    assert problems == {"cash": "-5 is negative; state an amount of zero or more"}


def test_an_unlisted_fund_without_a_price_is_refused(tmp_path: Path) -> None:
    external = {"name": "Old Fund", "asset_class": "us_large_equity", "risk_level": "R3"}

    problems = problems_of(tmp_path, holdings=[{"external": external, "units": 10}])

    assert list(problems) == ["holdings[0].price"]
    assert "a fund outside the catalogue has no price here" in problems["holdings[0].price"]


def test_a_sum_in_another_currency_is_refused(tmp_path: Path) -> None:
    problems = problems_of(tmp_path, holdings=[{"product": "BND", "value": "500 CNY"}])

    expected = "in CNY, but base_currency is USD; convert it and state it in USD"
    assert problems == {"holdings[0].value": expected}


def test_an_empty_answer_is_refused(tmp_path: Path) -> None:
    problems = problems_of(tmp_path, questionnaire={"answers": {"horizon": ""}})

    assert problems == {"questionnaire.answers.horizon": "empty; state a value or remove the field"}


def test_nothing_to_invest_is_refused(tmp_path: Path) -> None:
    problems = problems_of(tmp_path, holdings=None, cash=None)

    assert list(problems) == ["cash"]


def test_a_holding_names_one_fund(tmp_path: Path) -> None:
    problems = problems_of(tmp_path, holdings=[{"units": 1, "price": 2}, "BND"])

    assert problems["holdings[0]"].startswith("neither is stated; name either `product:`")
    assert problems["holdings[1]"].startswith("found 'BND', expected fields of its own")


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    problems = problems_of(
        tmp_path,
        goal={"purpose": "yacht"},
        cash="-1",
        holdings=[{"product": "BND", "units": 3}, {"product": "VTI", "value": "9 CNY"}],
        nonsense=1,
    )

    assert set(problems) == {
        "goal.purpose",
        "goal.horizon_years",
        "cash",
        "holdings[0].price",
        "holdings[1].value",
        "nonsense",
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1", "is not valid YAML"),
        ("", "holds no fields"),
        ("cash: 1\ncash: 2\n", "the field cash stands twice, line 1"),
    ],
)
def test_a_file_that_is_no_client_is_told_in_one_message(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "client.yaml"
    file.write_text(text, encoding="utf-8")

    with pytest.raises(CliError, match=message):
        read_client_file(file)


def test_a_file_that_does_not_exist_is_told() -> None:
    with pytest.raises(CliError, match="cannot be read: No such file"):
        read_client_file(Path("nowhere.yaml"))


@given(st.decimals(min_value=0, max_value=10**12, places=2), st.sampled_from(["", "USD", "CNY"]), st.booleans())
def test_an_amount_is_read_as_it_is_written(number: Decimal, currency: str, before: bool) -> None:
    text = f"{currency} {number:,}" if before else f"{number:,} {currency}"

    amount = parse_amount(text.strip())

    assert (amount.number, amount.currency) == (number, currency)


@given(st.integers(0, 10_000))
def test_per_cent_and_fraction_are_the_same(hundredths: int) -> None:
    assert parse_fraction(f"{hundredths / 100:.2f} %") == parse_fraction(f"{hundredths / 10_000:.4f}")


@pytest.mark.parametrize("text", ["12 34", "1,23", "USD 5 CNY", "five", "1e5", "", "1.0000000001"])
def test_an_amount_written_otherwise_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not an amount|too fine"):
        parse_amount(text)
