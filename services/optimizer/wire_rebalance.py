"""Rebalancing proposals to messages."""

from __future__ import annotations

from fiducia.optimizer.v1 import rebalance_pb2 as messages
from fiducia.type.v1 import weight_pb2

from services.optimizer.rebalance.problem import RebalanceProblem
from services.optimizer.rebalance.proposal import LotSale, Proposal, Trade


def rebalance_response(problem: RebalanceProblem, proposal: Proposal) -> messages.ProposeRebalanceResponse:
    """Return the answer to ProposeRebalance; weights in the order of the request's products."""
    return messages.ProposeRebalanceResponse(
        drift_before=float(proposal.drift_before),
        drift_after=float(proposal.drift_after),
        triggered=proposal.triggered,
        trades=[_trade(trade) for trade in proposal.trades],
        lot_sales=[_lot_sale(sale) for sale in proposal.lot_sales],
        short_term_gain=float(proposal.taxes.short_term_gain),
        long_term_gain=float(proposal.taxes.long_term_gain),
        disallowed_loss=float(proposal.taxes.disallowed_loss),
        estimated_tax=float(proposal.taxes.estimated_tax),
        trading_cost=float(proposal.trading_cost),
        cash_after=float(proposal.cash_after),
        weights_after=[
            weight_pb2.Weight(product_id=item.id, weight=float(proposal.weights_after[item.id]))
            for item in problem.products
        ],
        notes=proposal.notes,
    )


def _trade(trade: Trade) -> messages.RebalanceTrade:
    return messages.RebalanceTrade(
        account_id=trade.account,
        product_id=trade.product,
        units=float(trade.units),
        amount=float(trade.amount),
        cost=float(trade.cost),
        purpose=trade.purpose.value,
    )


def _lot_sale(sale: LotSale) -> messages.LotSale:
    return messages.LotSale(
        lot_id=sale.lot,
        units=float(sale.units),
        gain=float(sale.gain),
        long_term=sale.is_long_term,
        wash_sale=sale.is_wash_sale,
    )
