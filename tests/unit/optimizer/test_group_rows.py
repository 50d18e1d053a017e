from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.optimizer import constraints
from services.optimizer.constraints import group_rows
from services.optimizer.problem import Bound, Group, Limits, Problem, Product

NAMES = ("a", "b", "c")
some = st.frozensets(st.sampled_from(NAMES))
product = st.builds(
    Product,
    id=st.uuids().map(str),
    asset_class=st.sampled_from(NAMES),
    exposures=st.just({"a": 1.0}),
    specific_volatility=st.just(0.1),
    expense_ratio=st.just(0.0),
    currency=st.sampled_from(("", *NAMES)),
    issuer=st.sampled_from(("", *NAMES)),
    region=st.sampled_from(("", *NAMES)),
    risk_level=st.sampled_from((None, 1, 2)),
    flags=some,
)
group = st.builds(
    Group,
    name=st.text(max_size=3),
    bound=st.just(Bound(0.1, 0.5)),
    asset_classes=some,
    currencies=some,
    issuers=some,
    regions=some,
    risk_levels=st.frozensets(st.sampled_from((1, 2))),
    flags=some,
)


def _problem(products: tuple[Product, ...], groups: tuple[Group, ...]) -> Problem:
    return Problem("USD", products, Limits(groups=groups))


@given(st.lists(product, min_size=1, max_size=6), st.lists(group, min_size=1, max_size=3))
def test_a_group_bounds_the_products_that_it_holds_and_no_others(products: list[Product], groups: list[Group]) -> None:
    rows = group_rows(_problem(tuple(products), tuple(groups)))

    lower = [row for row in rows if row.is_lower]
    held = [[float(each.holds(one)) for one in products] for each in groups]
    assert [row.field for row in lower] == [f"limits.groups[{each.name}].min_weight" for each in groups]
    assert [(-row.coefficients).tolist() for row in lower] == held


@pytest.mark.parametrize(
    "changed",
    [
        {"asset_class": "b"},
        {"id": "other"},
        {"currency": "CNY"},
        {"issuer": "B"},
        {"region": "CN"},
        {"risk_level": 3},
        {"flags": frozenset()},
    ],
)
def test_rows_kept_for_one_request_never_serve_products_that_differ(changed: dict[str, object]) -> None:
    first = Product("p", "a", {"a": 1.0}, 0.1, 0.0, False, "USD", "A", "US", 2, frozenset({"esg"}))
    names = {"asset_class": "asset_classes", "id": "product_ids", "currency": "currencies", "issuer": "issuers"}
    names |= {"region": "regions", "risk_level": "risk_levels", "flags": "flags"}
    (field,) = changed
    said = getattr(first, field)
    by = Group("g", Bound(maximum=0.5), **{names[field]: said if field == "flags" else frozenset({said})})

    (before,) = group_rows(_problem((first,), (by,)))

    assert before.coefficients.tolist() == [1.0]
    assert group_rows(_problem((replace(first, **changed),), (by,))) == ()


def test_rows_kept_for_one_request_never_serve_other_bounds() -> None:
    products = (Product("p", "a", {"a": 1.0}, 0.1, 0.0),)
    loose, tight = (Group("g", Bound(maximum=bound), frozenset({"a"})) for bound in (0.5, 0.4))

    assert [group_rows(_problem(products, (each,)))[0].limit for each in (loose, tight, loose)] == [0.5, 0.4, 0.5]


def test_kept_rows_cannot_be_changed() -> None:
    problem = _problem((Product("p", "a", {"a": 1.0}, 0.1, 0.0),), (Group("g", Bound(0.1), frozenset({"a"})),))

    with pytest.raises(ValueError, match="read-only"):
        group_rows(problem)[0].coefficients[0] = 2.0


def test_only_so_many_rows_are_kept_and_none_of_large_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = constraints._rows_of_groups
    products = tuple(Product(f"p{i}", "a", {"a": 1.0}, 0.1, 0.0) for i in range(3))
    for number in range(100):
        group_rows(_problem(products, (Group(f"g{number}", Bound(0.1), frozenset({"a"})),)))
    assert kept.cache_info().currsize == kept.cache_info().maxsize

    monkeypatch.setattr(constraints, "_LARGEST_KEPT", 2)
    before = kept.cache_info().misses
    (row,) = group_rows(_problem(products, (Group("large", Bound(0.1), frozenset({"a"})),)))
    assert np.array_equal(row.coefficients, [-1.0, -1.0, -1.0])
    assert kept.cache_info().misses == before
