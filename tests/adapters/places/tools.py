"""What the shop's tools do, whatever framework calls them."""

from pathlib import Path

from tests.adapters.shop import Effects

#: an order whose refund fails after it was begun
BROKEN = "BROKEN"


class Tools:
    """The effects of the shop's tools, noted where every process sees them."""

    def __init__(self, folder: Path) -> None:
        self._effects = Effects(folder / "effects.jsonl")

    def issue_refund(self, order: str, amount: float) -> str:
        """Refund an order."""
        self._effects.note("issue_refund", order=order, amount=amount)
        if order == BROKEN:
            raise RuntimeError("the bank hung up")
        return f"refunded {amount:.2f} for {order}"

    def issue_refund_in(self, order: str, amount: float, currency: str) -> str:
        """Refund an order in a currency, as the tool is after a redeploy."""
        self._effects.note("issue_refund", order=order, amount=amount, currency=currency)
        return f"refunded {amount:.2f} {currency} for {order}"

    def close_account(self, account: str) -> str:
        """Close an account."""
        self._effects.note("close_account", account=account)
        return f"closed {account}"

    def look_up(self, order: str) -> str:
        """Look an order up."""
        self._effects.note("look_up", order=order)
        return f"{order}: one cup"
