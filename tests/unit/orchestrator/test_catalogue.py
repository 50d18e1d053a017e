"""The catalogue: the shipped knowledge base is sound, and a digest names exactly one content."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.orchestrator.catalogue.__main__ import main
from services.orchestrator.catalogue.build import build_catalogue, read_knowledge_base
from services.orchestrator.catalogue.load import Catalogue, load_catalogue
from services.orchestrator.catalogue.risk_level import derived_level
from shared.problems import KnowledgeBaseError
from shared.snapshots import SnapshotRefused, activate
from tests.unit.orchestrator import knowledge_base as tiny

KB = Path(__file__).parents[3] / "kb"


@pytest.fixture(scope="module")
def shipped() -> Catalogue:
    return read_knowledge_base(KB)


def test_the_shipped_knowledge_base_loads(shipped: Catalogue) -> None:
    assert len(shipped.products) >= 60
    assert sorted(shipped.packs) == ["CN", "US"]
    assert shipped.assumptions.id == "illustrative-2026-11"
    assert "standard-2026-11" in shipped.questionnaires


def test_every_derived_level_of_the_shipped_products_follows_from_the_rule(shipped: Catalogue) -> None:
    derived = [product for product in shipped.products.values() if product.risk_level.basis == "derived"]

    levels = {p.id: derived_level(p, shipped.assumptions, shipped.level_rule) for p in derived}

    assert levels == {product.id: product.risk_level.level for product in derived}


@pytest.mark.parametrize("jurisdiction", ["US", "CN"])
def test_each_client_class_has_enough_products_to_be_fully_invested(shipped: Catalogue, jurisdiction: str) -> None:
    pack = next(pack for pack in shipped.packs.values() if pack.jurisdiction == jurisdiction)
    offered = [p for p in shipped.products.values() if jurisdiction in p.jurisdictions and p.expense_ratio is not None]

    for limits in pack.classes.values():
        allowed = [product for product in offered if product.risk_level.level <= limits.max_product_level]
        assert len(allowed) * limits.max_product_weight >= 1.0


def test_a_built_catalogue_is_read_back_equal(tmp_path: Path) -> None:
    kb = tiny.write(tmp_path / "kb", tiny.documents())

    digest = build_catalogue(kb, tmp_path / "out")

    catalogue = load_catalogue(tmp_path / "out")
    assert catalogue == read_knowledge_base(kb)
    assert catalogue.digest == digest
    assert list(catalogue.assumptions.classes) == ["shares", "cash"]


def test_the_shipped_catalogue_is_read_back_equal(shipped: Catalogue, tmp_path: Path) -> None:
    build_catalogue(KB, tmp_path)

    assert load_catalogue(tmp_path).model_dump() == shipped.model_dump()


@settings(max_examples=20, deadline=None)  # Each example writes and reads files.
@given(st.permutations(list(tiny.documents())), st.randoms(use_true_random=False))
def test_the_digest_does_not_depend_on_the_order_of_files_and_fields(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], random: Random
) -> None:
    content, folder = tiny.documents(), tmp_path_factory.mktemp("order")
    shuffled = {name: _shuffled(content[name], random) for name in names}

    digest = read_knowledge_base(tiny.write(folder / "shuffled", shuffled)).digest

    assert digest == read_knowledge_base(tiny.write(folder / "plain", content)).digest


def _shuffled(document: dict[str, object], random: Random) -> dict[str, object]:
    keys = list(document)
    random.shuffle(keys)
    return {key: document[key] for key in keys}


def test_the_digest_changes_with_a_fee(tmp_path: Path) -> None:
    before = build_catalogue(tiny.write(tmp_path / "kb", tiny.documents()), tmp_path / "out")
    dearer = tiny.write_changed(tmp_path / "kb", lambda d: d[tiny.FUND]["expense_ratio"].update(value=0.0004))

    after = build_catalogue(dearer, tmp_path / "out")

    assert before != after
    assert (tmp_path / "out" / "active").read_text() == f"{after}\n"
    assert (tmp_path / "out" / before / "catalogue.json").exists()


def test_the_newest_assumptions_are_in_force(tmp_path: Path) -> None:
    content = tiny.documents()
    content["assumptions/older.yaml"] = {**tiny.assumptions(), "id": "older", "as_of": "2025-11-01"}

    catalogue = read_knowledge_base(tiny.write(tmp_path / "kb", content))

    assert catalogue.assumptions.id == "tiny"


def test_a_fund_without_a_known_fee_is_accepted(tmp_path: Path) -> None:
    kb = tiny.write_changed(tmp_path / "kb", lambda d: d[tiny.FUND].pop("expense_ratio"))

    assert read_knowledge_base(kb).products["VTI"].expense_ratio is None


def test_a_rated_level_stands_beside_the_rule(tmp_path: Path) -> None:
    rated = {"basis": "rated", "level": "R5", "rated_by": "Someone", "rated_on": "2026-01-31", **tiny.ORIGIN}
    kb = tiny.write_changed(tmp_path / "kb", lambda d: d[tiny.FUND].update(risk_level=rated))

    assert read_knowledge_base(kb).products["VTI"].risk_level.level == "R5"


def test_an_altered_catalogue_is_refused(tmp_path: Path) -> None:
    digest = build_catalogue(tiny.write(tmp_path / "kb", tiny.documents()), tmp_path / "out")
    file = tmp_path / "out" / digest / "catalogue.json"
    file.write_bytes(file.read_bytes().replace(b"0.0003", b"0.0001"))

    with pytest.raises(SnapshotRefused, match="does not match its digest"):
        load_catalogue(tmp_path / "out")


@pytest.mark.parametrize("content", ["{}", "[]", '{"assumptions": {}}', "no JSON"])
def test_a_catalogue_of_another_version_is_refused(tmp_path: Path, content: str) -> None:
    digest = hashlib.sha256(content.encode()).hexdigest()
    (tmp_path / digest).mkdir()
    (tmp_path / digest / "catalogue.json").write_text(content)
    activate(tmp_path, digest)

    with pytest.raises(SnapshotRefused, match="written by another version"):
        load_catalogue(tmp_path)


def test_building_again_heals_an_altered_catalogue(tmp_path: Path) -> None:
    kb = tiny.write(tmp_path / "kb", tiny.documents())
    digest = build_catalogue(kb, tmp_path / "out")
    (tmp_path / "out" / digest / "catalogue.json").write_text("{}")

    build_catalogue(kb, tmp_path / "out")

    assert load_catalogue(tmp_path / "out").digest == digest


@pytest.mark.parametrize("pointer", ["", "../../etc/passwd", "A" * 64])
def test_a_pointer_that_is_no_digest_is_refused(tmp_path: Path, pointer: str) -> None:
    (tmp_path / "active").write_text(pointer)

    with pytest.raises(SnapshotRefused, match="expected 64 hexadecimal digits"):
        load_catalogue(tmp_path)


def test_a_missing_catalogue_says_to_build_it(tmp_path: Path) -> None:
    with pytest.raises(SnapshotRefused, match="build the catalogue first"):
        load_catalogue(tmp_path)


def test_a_refused_knowledge_base_leaves_the_active_catalogue(tmp_path: Path) -> None:
    digest = build_catalogue(tiny.write(tmp_path / "kb", tiny.documents()), tmp_path / "out")
    broken = tiny.write_changed(tmp_path / "kb", lambda d: d[tiny.FUND].update(asset_class="bonds"))

    with pytest.raises(KnowledgeBaseError):
        build_catalogue(broken, tmp_path / "out")

    assert load_catalogue(tmp_path / "out").digest == digest


def test_the_command_prints_the_digest_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kb = tiny.write(tmp_path / "kb", tiny.documents())

    status = main([str(kb), str(tmp_path / "out")])

    line = json.loads(capsys.readouterr().out)
    assert status == 0
    assert line["event"] == "done"
    assert line["digest"] == load_catalogue(tmp_path / "out").digest
    assert line["products"] == 1


def test_the_command_lists_the_problems_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kb = tiny.write_changed(tmp_path / "kb", lambda d: d[tiny.FUND]["expense_ratio"].pop("as_of"))

    status = main([str(kb), str(tmp_path / "out")])

    assert status == 2
    assert capsys.readouterr().err == "kb/products/us/VTI.yaml: expense_ratio.as_of: missing; add it\n"
    assert not (tmp_path / "out").exists()
