"""A contradiction on its way from the optimizer through the orchestrator: nothing is lost or added."""

from __future__ import annotations

from fiducia.optimizer.v1 import optimizer_service_pb2 as service
from fiducia.optimizer.v1 import portfolio_pb2
from hypothesis import given
from hypothesis import strategies as st

from services.orchestrator.portfolio import ConflictingLimit, Infeasibility
from services.orchestrator.wire_portfolio import infeasibility_message, outcome_of

BOUNDS = st.floats(0, 1)
LIMITS = st.builds(ConflictingLimit, st.text(max_size=9), BOUNDS, st.none() | BOUNDS, st.booleans())
INFEASIBILITIES = st.builds(
    Infeasibility,
    conflicts=st.lists(LIMITS, max_size=4).map(tuple),
    market_snapshot=st.just("m"),
    relax_together=st.lists(LIMITS, max_size=4).map(tuple),
)


@given(INFEASIBILITIES)
def test_mapping_a_contradiction_to_proto_and_back_is_the_identity(found: Infeasibility) -> None:
    message = infeasibility_message(found)

    again = outcome_of(service.OptimizePortfolioResponse(infeasibility=message, market_snapshot="m"))

    assert again == found


def test_no_field_of_the_optimizers_contradiction_is_dropped() -> None:
    every = portfolio_pb2.Infeasibility(
        conflicts=[portfolio_pb2.ConflictingLimit(field="a", bound=0.1, relaxation_not_sought=True)],
        relax_together=[portfolio_pb2.ConflictingLimit(field="b", bound=0.2, relaxed_bound=0.3)],
    )
    # A field that joins the message has to be carried, and to be set here.
    assert {field.name for field, _ in every.ListFields()} == set(every.DESCRIPTOR.fields_by_name)
    set_in_limits = {
        field.name for limit in (*every.conflicts, *every.relax_together) for field, _ in limit.ListFields()
    }
    assert set_in_limits == set(portfolio_pb2.ConflictingLimit.DESCRIPTOR.fields_by_name)

    found = outcome_of(service.OptimizePortfolioResponse(infeasibility=every))

    assert isinstance(found, Infeasibility)
    assert infeasibility_message(found) == every
