"""A small proposal as the front door would send it, with numbers that can be followed by hand."""

from __future__ import annotations

from fiducia.advice.v1 import segment_pb2
from fiducia.advisor.v1 import client_pb2, product_pb2, proposal_pb2
from fiducia.optimizer.v1 import portfolio_pb2
from fiducia.type.v1 import citation_pb2, fact_pb2, risk_pb2, text_pb2
from google.type.date_pb2 import Date
from google.type.money_pb2 import Money

ASSUMED_ON = Date(year=2026, month=11, day=1)


def usd(units: int, nanos: int = 0) -> Money:
    return Money(currency_code="USD", units=units, nanos=nanos)


def words(en: str, zh: str = "") -> text_pb2.LocalText:
    return text_pb2.LocalText(en=en, zh=zh)


def profile(
    client_class: risk_pb2.ClientClass.ValueType = risk_pb2.CLIENT_CLASS_C3,
) -> client_pb2.RiskProfile:
    return client_pb2.RiskProfile(
        capacity_score=41,
        tolerance_score=64,
        binding_score=41,
        binding_side=client_pb2.BINDING_SIDE_CAPACITY,
        client_class=client_class,
        questionnaire_id="standard-2026-11",
    )


def universe() -> proposal_pb2.Universe:
    return proposal_pb2.Universe(
        catalogue_count=4,
        eligible_product_ids=["BND", "VTI"],
        exclusions=[
            proposal_pb2.Exclusion(
                reason=words("risk level above the class", "风险等级高于客户等级"), rule_id="R07", product_ids=["SOXX"]
            ),
            proposal_pb2.Exclusion(reason=words("the client's own wish"), product_ids=["GLD"]),
        ],
    )


def analysis(volatility: float = 0.08) -> portfolio_pb2.RiskAnalysis:
    return portfolio_pb2.RiskAnalysis(
        expected_return=0.051,
        expected_return_net=0.0505,
        volatility=volatility,
        expense_ratio=0.0005,
        cvar=portfolio_pb2.ConditionalValueAtRisk(
            loss=0.12,
            confidence=0.95,
            horizon_years=1,
            distribution=portfolio_pb2.RETURN_DISTRIBUTION_NORMAL,
        ),
    )


def line(product_id: str, weight: float, current: float, external: bool = False) -> proposal_pb2.AllocationLine:
    return proposal_pb2.AllocationLine(
        product_id=product_id,
        name=words(f"{product_id} fund", f"{product_id}基金"),
        asset_class="us_large_equity",
        asset_class_name=words("US large companies", "美国大盘股"),
        risk_level=risk_pb2.RISK_LEVEL_R3,
        weight=weight,
        current_weight=current,
        value=usd(round(100_000 * weight)),
        external=external,
    )


def recommendation(vti: float = 0.6) -> proposal_pb2.Recommendation:
    return proposal_pb2.Recommendation(
        lines=[line("VTI", vti, 0.0), line("BND", 1 - vti, 0.3), line("Old Fund", 0.0, 0.2, external=True)],
        trades=[
            proposal_pb2.Trade(product_id="VTI", side=proposal_pb2.TRADE_SIDE_BUY, amount=usd(60_000)),
            proposal_pb2.Trade(product_id="Old Fund", side=proposal_pb2.TRADE_SIDE_SELL, amount=usd(20_000)),
        ],
        analysis=analysis(),
        current=analysis(0.11),
        total_value=usd(100_000),
        yearly_cost=usd(50, 250_000_000),
        bad_year_loss=usd(12_000),
        portfolio_risk_level=risk_pb2.RISK_LEVEL_R3,
        certificate=portfolio_pb2.Certificate(
            solver="PIQP",
            solver_version="0.6.2",
            primal_residual=1.2e-12,
            dual_residual=3.4e-10,
            complementarity_residual=5.6e-11,
            tolerance=1e-6,
        ),
        binding_limits=[portfolio_pb2.BindingLimit(field="limits.max_volatility", bound=0.1, shadow_price=0.2)],
    )


def facts() -> list[fact_pb2.Fact]:
    """A loss in money, computed from the solver's share and the client's worth; the share rests on an assumption."""
    return [
        _fact("loss_money", "$12,000", fact_pb2.SOURCE_KIND_DERIVED, "product", ["loss_share", "worth"]),
        _fact("loss_share", "12.0%", fact_pb2.SOURCE_KIND_SOLVER, "PIQP 0.6.2", ["assumed_volatility"]),
        _fact("worth", "$100,000", fact_pb2.SOURCE_KIND_CLIENT, "client file", []),
        _fact("assumed_volatility", "15.0%", fact_pb2.SOURCE_KIND_ASSUMPTION, "illustrative-2026-11", []),
        _fact("product_count", "4", fact_pb2.SOURCE_KIND_KNOWLEDGE_BASE, "catalogue", []),
    ]


def _fact(
    name: str, rendered: str, kind: fact_pb2.SourceKind.ValueType, maker: str, parents: list[str]
) -> fact_pb2.Fact:
    return fact_pb2.Fact(
        id=name,
        label=words(name.replace("_", " ")),
        quantity=fact_pb2.Quantity(value=1.0, unit=fact_pb2.UNIT_RATIO),
        rendered=words(rendered),
        basis=fact_pb2.BASIS_HYPOTHETICAL,
        as_of=ASSUMED_ON if kind == fact_pb2.SOURCE_KIND_ASSUMPTION else None,
        source=fact_pb2.FactSource(kind=kind, reference=maker, derived_from=parents, digest="ab" * 32),
    )


def segment(
    text: str, fact_id: str = "", shown: str = "", origin: segment_pb2.SegmentOrigin.ValueType | None = None
) -> segment_pb2.Segment:
    start = text.index(shown) if shown else 0
    bindings = [segment_pb2.Binding(span=text_pb2.Span(start=start, end=start + len(shown)), fact_id=fact_id)]
    return segment_pb2.Segment(
        sequence=1,
        kind=segment_pb2.SEGMENT_KIND_RISK,
        origin=origin or segment_pb2.SEGMENT_ORIGIN_MODEL,
        text=text,
        bindings=bindings if fact_id else [],
        citations=[
            citation_pb2.Citation(
                handle=1,
                title="A bad year",
                source="Fiducia knowledge base",
                passage_id="en-a-bad-year#1",
                effective_date=ASSUMED_ON,
            )
        ],
        language="en",
    )


def proposal(state: proposal_pb2.ProposalState.ValueType | None = None) -> proposal_pb2.Proposal:
    return proposal_pb2.Proposal(
        id="p-1",
        state=state or proposal_pb2.PROPOSAL_STATE_AWAITING_APPROVAL,
        situation=client_pb2.ClientSituation(jurisdiction="US", base_currency="USD", language="en"),
        profile=profile(),
        universe=universe(),
        recommendation=recommendation(),
        facts=facts(),
        segments=[
            segment("There are 4 products.", "product_count", "4"),
            segment("A bad year may cost $12,000 [1].", "loss_money", "$12,000"),
        ],
        findings=[
            proposal_pb2.Finding(
                rule_id="R22",
                severity=proposal_pb2.FINDING_SEVERITY_WARNING,
                message=words("Expected values are hypothetical."),
                rule_source="sec-marketing-rule (2026-11-22)",
                rule_verified=True,
            )
        ],
        versions=proposal_pb2.Versions(
            assumptions_as_of=ASSUMED_ON,
            assumptions_label="ILLUSTRATIVE",
            rule_pack="suitability-us 2026-11",
            questionnaire="standard-2026-11",
        ),
        last_sequence=12,
        record_digest="cd" * 32,
    )


def product(
    product_id: str, level: risk_pb2.RiskLevel.ValueType, jurisdiction: str = "US", fee: float | None = 0.0005
) -> product_pb2.Product:
    return product_pb2.Product(
        id=product_id,
        name=words(f"{product_id} fund", f"{product_id}基金"),
        asset_class="us_large_equity",
        asset_class_name=words("US large companies"),
        currency="USD",
        jurisdictions=[jurisdiction],
        risk_level=product_pb2.ProductRiskLevel(
            level=level, basis=product_pb2.RISK_LEVEL_BASIS_DERIVED, by="volatility-bands-2026-11"
        ),
        issuer=product_pb2.StatedText(
            value="Example Trust", provenance=product_pb2.Provenance(source="general-knowledge", verified=False)
        ),
        expense_ratio=None
        if fee is None
        else product_pb2.StatedFraction(
            value=fee, provenance=product_pb2.Provenance(source="etf-fees", verified=True, as_of=ASSUMED_ON)
        ),
        main_risks=[words("Shares fall in recessions.")],
        factsheet=words("## What it holds\nShares."),
    )
