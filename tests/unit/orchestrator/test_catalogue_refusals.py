"""A malformed knowledge base is refused with the file, the field and the reason of every fault."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from services.orchestrator.catalogue.build import read_knowledge_base
from shared.problems import KnowledgeBaseError
from tests.unit.orchestrator import knowledge_base as tiny
from tests.unit.orchestrator.knowledge_base import ASSUMPTIONS, FUND, LEVEL_RULE, PACK, QUESTIONNAIRE, Documents

# What is changed, then the file, the field and words of the reason.
Fault = tuple[Callable[[Documents], object], str, str, str]

PRODUCT_FAULTS: list[Fault] = [
    (lambda d: d[FUND].pop("issuer"), FUND, "issuer", "missing; add it"),
    (lambda d: d[FUND].update(fee=1), FUND, "fee", "unknown field; remove it or correct its spelling"),
    (lambda d: d[FUND]["expense_ratio"].update(value=3), FUND, "expense_ratio.value", "less than 0.2"),
    (lambda d: d[FUND]["expense_ratio"].update(as_of="soon"), FUND, "expense_ratio.as_of", "valid date"),
    (lambda d: d[FUND].update(id=510300), FUND, "id", "put it in quotes"),
    (lambda d: d[FUND].update(id="VOO"), FUND, "id", "found VOO, expected VTI"),
    (lambda d: d[FUND].update(currency="EUR"), FUND, "currency", "found 'EUR'"),
    (lambda d: d[FUND].update(currency="CNY"), FUND, "name.zh, factsheet.zh, main_risks.zh", "required"),
    (lambda d: d[FUND].update(asset_class="bonds"), FUND, "asset_class", "not among exposures.classes"),
    (lambda d: d[FUND].update(jurisdictions=["US", "CN"]), FUND, "jurisdictions", "no rule pack for CN"),
    (lambda d: d[FUND]["issuer"].update(source="web"), FUND, "issuer.source", "unknown source web"),
    (lambda d: d[FUND]["exposures"]["classes"].update(shares=0.5), FUND, "exposures.classes", "sum to 0.500"),
    (lambda d: d[FUND]["exposures"]["classes"].update(shares=float("nan")), FUND, "exposures.classes.shares", "finite"),
    (lambda d: d[FUND]["exposures"]["classes"].update(oil=0.0), FUND, "exposures.classes.oil", "unknown asset class"),
    (
        lambda d: d[FUND]["risk_level"].update(level="R2"),
        FUND,
        "risk_level.level",
        "gives R3 at a volatility of 0.1600",
    ),
    (lambda d: d[FUND]["risk_level"].update(level="R9"), FUND, "risk_level.level", "found 'R9'"),
    (lambda d: d[FUND]["risk_level"].update(rule="old"), FUND, "risk_level.rule", "the rule in force is bands"),
    (lambda d: d[FUND]["risk_level"].pop("basis"), FUND, "risk_level", "basis"),
    (
        lambda d: d[FUND]["issuer"].update(source="general-knowledge", verified=True),
        FUND,
        "issuer.verified",
        "set it to false",
    ),
]

OTHER_FAULTS: list[Fault] = [
    (lambda d: d["sources.yaml"]["derived"].pop("licence"), "sources.yaml", "derived.licence", "missing; add it"),
    (lambda d: d.pop("sources.yaml"), "sources.yaml", "", "file not found; add it"),
    (lambda d: d.pop(LEVEL_RULE), LEVEL_RULE, "", "file not found; add it"),
    (lambda d: d.pop(ASSUMPTIONS), "assumptions/*.yaml", "", "no such file, expected one at least"),
    (lambda d: d.pop(FUND), "products/*/*.yaml", "", "no such file, expected one at least"),
    (lambda d: d.update({FUND: ["VTI"]}), FUND, "", "expected a mapping"),
    (lambda d: d.update({"products/us/VOO.yml": {}}), "products/us/VOO.yml", "", "not read"),
    (lambda d: d.update({"products/VOO.yaml": {}}), "products/VOO.yaml", "", "not read"),
    (lambda d: d.update({"products/cn/VTI.yaml": d[FUND]}), FUND, "id", "VTI is the id of another file too"),
    (
        lambda d: d.update({"assumptions/twin.yaml": {**d[ASSUMPTIONS], "id": "twin"}}),
        "assumptions/*.yaml",
        "as_of",
        "have the same date",
    ),
    (
        lambda d: d.update({"rules/suitability-zz.yaml": {**d[PACK], "id": "suitability-zz"}}),
        "rules/suitability-zz.yaml",
        "jurisdiction",
        "US already has the pack suitability-us",
    ),
    (
        lambda d: d[ASSUMPTIONS]["correlations"].update(rows=[[1.0], [0.9, 1.0], [0.9, -0.9, 1.0]]),
        ASSUMPTIONS,
        "correlations.rows",
        "not positive semidefinite",
    ),
    (
        lambda d: d[ASSUMPTIONS]["correlations"].update(order=["cash", "shares", "usd_cny"]),
        ASSUMPTIONS,
        "correlations.order",
        "in the order of classes",
    ),
    (
        lambda d: d[ASSUMPTIONS]["classes"]["cash"].update(expected_return=0.04),
        ASSUMPTIONS,
        "classes.cash.blocks",
        "sum to 0.0500, expected_return is 0.04",
    ),
    (
        lambda d: d[ASSUMPTIONS]["correlations"].update(source="web"),
        ASSUMPTIONS,
        "correlations.source",
        "unknown source web",
    ),
    (lambda d: d[LEVEL_RULE]["bands"].update(R2=0.3), LEVEL_RULE, "bands", "expected bounds that rise"),
    (lambda d: d[LEVEL_RULE]["bands"].pop("R4"), LEVEL_RULE, "bands", "expected exactly"),
    (lambda d: d[LEVEL_RULE]["floors"].update(oil="R4"), LEVEL_RULE, "floors.oil", "unknown asset class"),
    (lambda d: d[PACK]["class_thresholds"].update(C2=10), PACK, "class_thresholds", "expected bounds that rise"),
    (lambda d: d[PACK]["classes"].pop("C3"), PACK, "classes", "expected exactly"),
    (lambda d: d[PACK]["classes"]["C4"].update(max_loss_share=0.01), PACK, "classes.C4", "stricter than C3"),
    (
        lambda d: d[PACK]["classes"]["C1"].update(override_allowed=True),
        PACK,
        "classes.C1.override_allowed",
        "no override",
    ),
    (
        lambda d: d[PACK]["classes"]["C1"].update(max_portfolio_volatility=0.012),
        PACK,
        "classes.C1.max_portfolio_volatility",
        "above 0.01, the band of R1",
    ),
    (lambda d: d[PACK]["rules"].append(d[PACK]["rules"][0]), PACK, "rules", "id R07 appears more than once"),
    (lambda d: d[PACK]["rules"][0].update(text={"en": "Words"}), PACK, "rules.0.text.zh", "missing; add it"),
    (lambda d: d[PACK]["rules"][0].update(severity="FATAL"), PACK, "rules.0.severity", "found 'FATAL'"),
    (
        lambda d: d[QUESTIONNAIRE]["questions"].append(tiny.question("horizon", "CAPACITY")),
        QUESTIONNAIRE,
        "questions",
        "id horizon appears more than once",
    ),
    (
        lambda d: d[QUESTIONNAIRE]["questions"][1]["options"][1].update(points=0),
        QUESTIONNAIRE,
        "questions",
        "no answer in TOLERANCE changes its score",
    ),
    (
        lambda d: d[QUESTIONNAIRE]["inconsistencies"][0]["when"].update(age=["old"]),
        QUESTIONNAIRE,
        "inconsistencies.pair.when",
        "unknown question age",
    ),
    (
        lambda d: d[QUESTIONNAIRE]["inconsistencies"][0]["when"].update(horizon=["never"]),
        QUESTIONNAIRE,
        "inconsistencies.pair.when.horizon",
        "unknown option never",
    ),
]


@pytest.mark.parametrize(("change", "file", "field", "reason"), PRODUCT_FAULTS + OTHER_FAULTS)
def test_a_fault_is_refused_naming_file_field_and_reason(
    tmp_path: Path, change: Callable[[Documents], object], file: str, field: str, reason: str
) -> None:
    kb = tiny.write_changed(tmp_path / "kb", change)

    with pytest.raises(KnowledgeBaseError) as refusal:
        read_knowledge_base(kb)

    (problem,) = [p for p in refusal.value.problems if (p.file, p.field) == (f"kb/{file}", field)]
    assert reason in problem.reason


def test_a_single_fault_is_reported_once(tmp_path: Path) -> None:
    kb = tiny.write_changed(tmp_path / "kb", lambda d: d[FUND]["risk_level"].update(level="R2"))

    with pytest.raises(KnowledgeBaseError) as refusal:
        read_knowledge_base(kb)

    assert len(refusal.value.problems) == 1


def test_a_faulty_frame_is_reported_without_the_noise_it_makes_in_products(tmp_path: Path) -> None:
    kb = tiny.write_changed(tmp_path / "kb", lambda d: d[PACK].pop("rules"))

    with pytest.raises(KnowledgeBaseError) as refusal:
        read_knowledge_base(kb)

    assert [str(problem) for problem in refusal.value.problems] == [f"kb/{PACK}: rules: missing; add it"]


def test_all_faults_are_reported_in_one_error(tmp_path: Path) -> None:
    content = tiny.documents()
    content["products/us/VOO.yaml"] = tiny.product("VOO") | {"currency": "EUR"}
    content["products/us/IVV.yaml"] = tiny.product("IVV") | {"conflicts": "none"}
    content[FUND]["issuer"]["source"] = "web"

    with pytest.raises(KnowledgeBaseError) as refusal:
        read_knowledge_base(tiny.write(tmp_path / "kb", content))

    assert [(Path(p.file).stem, p.field) for p in refusal.value.problems] == [
        ("IVV", "conflicts"),
        ("VOO", "currency"),
        ("VTI", "issuer.source"),
    ]
    assert len(str(refusal.value).splitlines()) == 3


def test_a_repeated_key_is_refused_with_its_file(tmp_path: Path) -> None:
    kb = tiny.write(tmp_path / "kb", tiny.documents())
    (kb / FUND).write_text("id: VTI\nid: VOO\n")

    with pytest.raises(KnowledgeBaseError, match=f"kb/{FUND}: not readable as YAML: key id appears more than once"):
        read_knowledge_base(kb)
