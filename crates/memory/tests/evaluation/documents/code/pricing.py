"""Prices of a Tidewell booking: deposits, extras and refunds, in pence."""

from dataclasses import dataclass
from datetime import date

DEPOSIT_SHARE = 4
ADMINISTRATION_FEE = 2_000
BALANCE_DUE_DAYS = 35
RETURNING_DISCOUNT = 0.08


@dataclass(frozen=True)
class Retreat:
    code: str
    price: int
    own_room: int
    begins: date


def deposit(total: int) -> int:
    """A quarter, rounded up to whole pounds, so that the mail and the page agree."""
    pence = -(-total // DEPOSIT_SHARE)
    return -(-pence // 100) * 100


def total(retreat: Retreat, own_room: bool, gloves: bool, returning: bool) -> int:
    """What a guest pays in all. The discount is on the retreat alone, not on extras."""
    price = retreat.price
    if returning:
        price -= round(price * RETURNING_DISCOUNT)
    return price + (retreat.own_room if own_room else 0) + (1_200 if gloves else 0)


def refund(paid: int, retreat: Retreat, today: date) -> int:
    """What a guest who cancels gets back: all but the fee, or nothing when it is too late."""
    days = (retreat.begins - today).days
    if days < BALANCE_DUE_DAYS:
        return 0
    return max(0, paid - ADMINISTRATION_FEE)


def instalments(total_pence: int, retreat: Retreat, today: date) -> list[tuple[date, int]]:
    """When which part is charged. A late booking is charged whole at once."""
    first = deposit(total_pence)
    if (retreat.begins - today).days <= BALANCE_DUE_DAYS:
        return [(today, total_pence)]
    due = date.fromordinal(retreat.begins.toordinal() - BALANCE_DUE_DAYS)
    return [(today, first), (due, total_pence - first)]
