from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from services.optimizer.history import Matrix
from services.optimizer.prices_read import Format, PriceRows, read_prices
from shared.errors import InvalidRequest
from tests.unit.optimizer.price_tables import as_parquet, long_csv, walk_prices, weekdays, wide_csv

DAYS = weekdays(80)
NAMES = ("AAA", "007", "CCC")
PRICES = walk_prices(80, 3)
PRICES[:5, 1] = np.nan


def _table(rows: PriceRows) -> Matrix:
    table = np.full((len(DAYS), len(rows.product_ids)), np.nan)
    table[np.searchsorted(DAYS, rows.day), rows.product] = rows.price
    return table[:, [rows.product_ids.index(name) for name in NAMES]]


def _parquet_wide() -> bytes:
    columns = {name: PRICES[:, i] for i, name in enumerate(NAMES)}
    return as_parquet({**columns, "__index_level_0__": DAYS.astype("datetime64[ns]")})


def _parquet_long() -> bytes:
    rows, columns = np.nonzero(~np.isnan(PRICES))
    names = [NAMES[i] for i in columns]
    return as_parquet({"date": DAYS[rows].tolist(), "product_id": names, "price": PRICES[rows, columns]})


@pytest.mark.parametrize(
    "content", [wide_csv(DAYS, NAMES, PRICES), long_csv(DAYS, NAMES, PRICES), _parquet_wide(), _parquet_long()]
)
def test_every_shape_of_the_same_prices_is_read_alike(content: bytes) -> None:
    rows = read_prices(content)

    np.testing.assert_array_equal(_table(rows), PRICES)


def test_what_is_no_number_is_kept_as_such_and_an_empty_cell_is_not() -> None:
    rows = read_prices(b"date,A,B\n2020-01-01,1.5,\n2020-01-02,oops,2.0\n2020-01-03,-1,3.0\n")

    assert rows.product_ids == ("A", "B")
    np.testing.assert_array_equal(rows.price, [1.5, np.nan, -1.0, 2.0, 3.0])


def test_a_row_of_quotes_and_line_ends_of_another_system_are_read() -> None:
    rows = read_prices(b'\xef\xbb\xbf"Date","A"\r\n"2020-01-01","1.5"\r\n')

    assert (rows.product_ids, rows.day[0].item(), rows.price[0]) == (("A",), date(2020, 1, 1), 1.5)


@pytest.mark.parametrize(
    ("content", "table_format", "reason"),
    [
        (b"", Format.AUTO, "missing"),
        (b"date,A\n", Format.AUTO, "0 rows"),
        (b"date\n2020-01-01\n", Format.AUTO, "1 columns"),
        (b"date,A\n01/02/2020,5\n", Format.AUTO, "row 1: found '01/02/2020' as the date"),
        (b"date,A\n2020-01-01,5\n2020-02-31,5\n", Format.AUTO, "row 2"),
        (b"date,A,A\n2020-01-01,5,6\n", Format.AUTO, "more than once"),
        (b"date,product,price\n2020-01-01,A,5\n2020-01-01,,6\n", Format.AUTO, "1 rows name no product"),
        (b"date,A\n2020-01-01,5,6\n", Format.AUTO, "not readable as comma-separated text"),
        (b"date,A\n2020-01-01,5\n", Format.PARQUET, "not readable as Parquet"),
        (b"PAR1 and nothing else PAR1", Format.AUTO, "not readable as Parquet"),
        (bytes(range(256)), Format.CSV, "prices"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_place(content: bytes, table_format: Format, reason: str) -> None:
    with pytest.raises(InvalidRequest, match=reason):
        read_prices(content, table_format)


def test_a_small_file_that_unfolds_to_a_large_table_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.optimizer.prices_read.MAX_CELLS", 100)

    with pytest.raises(InvalidRequest, match="at most 100"):
        read_prices(_parquet_wide())
