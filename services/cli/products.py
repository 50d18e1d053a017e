"""`fiducia products`: the funds of the catalogue, listed and shown with where each fact comes from."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from fiducia.advisor.v1 import advisor_service_pb2, product_pb2
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from services.cli.connect import CALL_SECONDS, advisor, find_deployment
from services.cli.format import NOT_AVAILABLE, day, local, money, percent, risk_level, short
from services.cli.proposal_file import to_json
from services.cli.terminal import open_console

_PAGE = 200
_UNVERIFIED = "to be checked with the issuer"


async def list_products(jurisdiction: str, address: str | None, *, as_json: bool) -> int:
    """Print the products that may be advised on in a country, or all."""
    async with advisor(await find_deployment(address)) as stub:
        request = advisor_service_pb2.ListProductsRequest(page_size=_PAGE, jurisdiction=jurisdiction)
        response = await stub.ListProducts(request, timeout=CALL_SECONDS)
    if as_json:
        sys.stdout.write(to_json(response))
        return 0
    console = open_console()
    console.print(show_list(response.products))
    console.print(Text(f"{response.total_size} products, catalogue {short(response.catalogue)}", style="dim"))
    return 0


async def show_product(product_id: str, language: str, address: str | None, *, as_json: bool) -> int:
    """Print one product."""
    async with advisor(await find_deployment(address)) as stub:
        request = advisor_service_pb2.GetProductRequest(product_id=product_id)
        response = await stub.GetProduct(request, timeout=CALL_SECONDS)
    if as_json:
        sys.stdout.write(to_json(response))
    else:
        open_console().print(show(response.product, language))
    return 0


def show_list(products: Sequence[product_pb2.Product]) -> RenderableType:
    """Return one line for each product."""
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold", pad_edge=False)
    table.add_column("Product", no_wrap=True)
    table.add_column("Name", ratio=2, no_wrap=True, overflow="ellipsis")
    table.add_column("Asset class", ratio=1, no_wrap=True, overflow="ellipsis")
    table.add_column("Risk")
    table.add_column("Fee a year", justify="right", no_wrap=True)
    for product in products:
        fee = percent(product.expense_ratio.value, 2) if product.HasField("expense_ratio") else NOT_AVAILABLE
        level = risk_level(product.risk_level.level)
        table.add_row(product.id, product.name.en, product.asset_class_name.en, level, fee)
    return table


def show(product: product_pb2.Product, language: str) -> RenderableType:
    """Return every fact of a product with its source; what is not known is `not available`."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(no_wrap=True, style="bold")
    table.add_column(ratio=1, overflow="fold")
    for name, value in _facts(product, language):
        table.add_row(name, value)
    title = Text(f"{product.id}  {local(product.name, language)}", style="bold")
    risks = [Text(f"  - {local(risk, language)}") for risk in product.main_risks]
    factsheet = Text(local(product.factsheet, language).strip() or NOT_AVAILABLE)
    return Group(title, table, Text("\nMain risks", style="bold"), *risks, Text(), factsheet)


def _facts(product: product_pb2.Product, language: str) -> list[tuple[str, Text]]:
    return [
        ("Asset class", Text(local(product.asset_class_name, language) or product.asset_class)),
        ("Risk level", _level(product.risk_level)),
        ("Currency", Text(product.currency)),
        ("May be advised on in", Text(", ".join(product.jurisdictions))),
        ("Issuer", _text(product, "issuer")),
        ("Benchmark", _text(product, "benchmark")),
        ("Exchange", _text(product, "exchange")),
        ("ISIN", _text(product, "isin")),
        ("Fee a year", _fee(product)),
        ("Least investment", _least(product)),
        ("Conflicts", Text("; ".join(product.conflicts) or "none recorded")),
    ]


def _level(level: product_pb2.ProductRiskLevel) -> Text:
    how = "derived by the rule" if level.basis == product_pb2.RISK_LEVEL_BASIS_DERIVED else "rated by"
    text = Text(f"{risk_level(level.level)}, {how} {level.by}")
    return _sourced(text, level.provenance) if level.HasField("provenance") else text


def _text(product: product_pb2.Product, field: str) -> Text:
    if not product.HasField(field):  # type: ignore[arg-type]
        return Text(NOT_AVAILABLE, style="yellow")
    stated = getattr(product, field)
    return _sourced(Text(stated.value), stated.provenance)


def _fee(product: product_pb2.Product) -> Text:
    if not product.HasField("expense_ratio"):
        return Text(f"{NOT_AVAILABLE}; without a known fee the product is not eligible", style="yellow")
    stated = product.expense_ratio
    return _sourced(Text(percent(stated.value, 3)), stated.provenance)


def _least(product: product_pb2.Product) -> Text:
    if not product.HasField("minimum_investment"):
        return Text(NOT_AVAILABLE, style="yellow")
    stated = product.minimum_investment
    return _sourced(Text(money(stated.value, 2)), stated.provenance)


def _sourced(text: Text, provenance: product_pb2.Provenance) -> Text:
    date = f", as of {day(provenance.as_of)}" if provenance.as_of.year else ""
    text.append(f"  {provenance.source}{date}", style="dim")
    if not provenance.verified:
        text.append(f"; {_UNVERIFIED}", style="yellow")
    return text
