from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from services.optimizer.estimators import CovarianceEstimator, Estimation, ReturnEstimator
from services.optimizer.faults import FaultKind
from services.optimizer.market import MarketStore
from services.optimizer.price_import import ImportJob, imported
from services.optimizer.price_snapshot import PRICES_FILE, PriceSnapshot, decoded
from services.optimizer.prices_read import Format
from services.optimizer.snapshots import write_snapshot
from shared.errors import InvalidRequest, NotFound, UnsupportedCombination
from shared.snapshots import active_digest
from tests.unit.optimizer.builders import kb_assumptions
from tests.unit.optimizer.price_tables import walk_prices, weekdays, wide_csv

DAYS = weekdays(200)
NAMES = ("AAA", "BBB", "CCC")


PLAIN = Estimation()


def _job(content: bytes | None = None, estimation: Estimation = PLAIN) -> ImportJob:
    table = wide_csv(DAYS, NAMES, walk_prices(200, 3)) if content is None else content
    return ImportJob(table, Format.AUTO, "USD", "Three funds", estimation)


def _with_split() -> bytes:
    prices = walk_prices(200, 3)
    prices[100:, 1] /= 2.0
    return wide_csv(DAYS, NAMES, prices)


def test_a_snapshot_survives_its_way_into_bytes() -> None:
    estimation = Estimation(ReturnEstimator.CAPM, CovarianceEstimator.EWMA, 30.0, 2, 0.01, 0.05, 100)

    snapshot = decoded(imported(_job(_with_split(), estimation)).content)

    assert (snapshot.name, snapshot.currency, snapshot.estimation) == ("Three funds", "USD", estimation)
    assert snapshot.panel.product_ids == ("AAA", "CCC")
    np.testing.assert_array_equal(snapshot.panel.days, DAYS)
    np.testing.assert_array_equal(snapshot.panel.prices, walk_prices(200, 3)[:, [0, 2]])
    assert [(fault.product_id, fault.day) for fault in snapshot.faults] == [("BBB", DAYS[100].item())]


def test_every_kind_of_fault_survives_its_way_into_bytes() -> None:
    prices = walk_prices(200, 3)
    prices[:5, 0] = np.nan
    prices[50, 0] = np.nan
    prices[101:115, 1] = prices[100, 1]
    prices[150:, 2] /= 2.0
    twice = wide_csv(np.append(DAYS, DAYS[-1]), NAMES, np.vstack([prices, prices[-1]]))

    faults = decoded(imported(_job(twice)).content).faults

    assert {fault.kind for fault in faults} == set(FaultKind) - {FaultKind.NOT_POSITIVE}


def test_the_same_table_has_the_same_digest_and_another_has_another() -> None:
    one, again, other = (
        decoded(imported(job).content).id for job in (_job(), _job(), _job(estimation=Estimation(risk_free_rate=0.02)))
    )

    assert one == again
    assert one != other


def test_why_a_product_was_left_out_is_kept_with_the_estimates() -> None:
    market = decoded(imported(_job(_with_split())).content).market

    assert market.products is not None
    assert market.products.product_ids == ("AAA", "CCC")
    assert "like a split" in market.products.left_out["BBB"]
    assert market.asset_classes == frozenset()
    assert market.factor_count == 2


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (wide_csv(DAYS[:40], NAMES, walk_prices(40, 3)), "no product can be used"),
        (wide_csv(weekdays(70 * 21)[::21], NAMES, walk_prices(70, 3)), "expected daily prices"),
        (wide_csv(DAYS, ("A[0]", "B", "C"), walk_prices(200, 3)), "without brackets"),
        (b"date,A\n0001-01-01,5\n2020-01-01,5\n", "expected several from 1800-01-01"),
    ],
)
def test_tables_that_nothing_can_be_estimated_from_are_refused(content: bytes, reason: str) -> None:
    with pytest.raises(InvalidRequest, match=reason):
        imported(_job(content))


def test_histories_that_do_not_overlap_are_refused() -> None:
    prices = walk_prices(200, 3)
    prices[:100, 0] = np.nan
    prices[100:, 1] = np.nan

    with pytest.raises(InvalidRequest, match="share"):
        imported(_job(wide_csv(DAYS, NAMES, prices)))


def test_more_factors_than_products_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="factor_count"):
        imported(_job(estimation=Estimation(covariance=CovarianceEstimator.FACTOR, factor_count=4)))


def _store(root: Path) -> tuple[MarketStore, PriceSnapshot]:
    store = MarketStore(root)
    return store, store.keep(imported(_job()).content)


def test_a_kept_snapshot_is_found_again_by_another_server(tmp_path: Path) -> None:
    _, kept = _store(tmp_path)

    found = MarketStore(tmp_path).required_prices(kept.id)

    np.testing.assert_array_equal(found.panel.prices, kept.panel.prices)
    assert found.as_of == DAYS[-1].item()


def test_activation_moves_the_pointer_and_takes_effect_at_once(tmp_path: Path) -> None:
    store, kept = _store(tmp_path)

    store.activate(kept.id)

    assert active_digest(tmp_path) == kept.id == store.active
    assert store.market("").snapshot == kept.id


def test_what_is_not_here_cannot_be_activated(tmp_path: Path) -> None:
    store, _ = _store(tmp_path)

    with pytest.raises(NotFound):
        store.activate("f" * 64)
    with pytest.raises(InvalidRequest):
        store.activate("")
    assert active_digest(tmp_path) is None


def test_assumptions_and_prices_are_listed_together_newest_first(tmp_path: Path) -> None:
    store, kept = _store(tmp_path)
    older = write_snapshot(tmp_path, kb_assumptions().model_copy(update={"as_of": date(2019, 1, 1)}))

    page = store.page(10, "")

    assert [entry.id for entry in page.snapshots] == [kept.id, older]
    assert store.prices(older) is None
    with pytest.raises(UnsupportedCombination, match="import a table of prices"):
        store.required_prices(older)


def test_altered_prices_are_not_used(tmp_path: Path) -> None:
    _, kept = _store(tmp_path)
    path = tmp_path / kept.id / PRICES_FILE
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)

    with pytest.raises(NotFound, match="does not match its digest"):
        MarketStore(tmp_path).market(kept.id)


def test_days_missing_for_some_product_are_bounded_for_all_together_and_reported_by_product() -> None:
    prices = walk_prices(300, 12)
    for column in range(10):
        prices[20 * column + 40 + np.arange(2), column] = np.nan
    names = tuple(f"p{i}" for i in range(12))

    with pytest.raises(InvalidRequest, match=r"on 20 of 300 days some .* \(p0 2, p1 2, .*at most 5%"):
        imported(_job(wide_csv(weekdays(300), names, prices)))


def test_a_table_with_few_missing_days_is_kept() -> None:
    prices = walk_prices(300, 3)
    prices[[40, 90], 0] = np.nan
    prices[150, 1] = np.nan

    snapshot = decoded(imported(_job(wide_csv(weekdays(300), ("p0", "p1", "p2"), prices))).content)

    assert snapshot.panel.gaps().in_words() == "on 3 of 300 days some product lacks a price (p0 2, p1 1)"
    assert [fault.count for fault in snapshot.faults] == [2, 1]
