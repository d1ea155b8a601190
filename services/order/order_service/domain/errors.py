"""Why a command was refused. The class is the decision, the message is for a person; nothing was changed."""


class Refusal(Exception):  # noqa: N818 - a refusal is an answer of the domain, not a defect
    """The rules say no. `pointer` is the JSON pointer of the field at fault, when there is one."""

    def __init__(self, detail: str, *, pointer: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.pointer = pointer


class InvalidOrder(Refusal):
    """An order that no state of the shop could accept."""


class UnknownProduct(Refusal):
    """This instance has not (yet) heard of the product."""


class UnknownOrder(Refusal):
    """No order of that id exists here, and here is where it would be."""


class ProductExists(Refusal):
    """The product id is taken."""


class IllegalTransition(Refusal):
    """The order's status does not allow the command."""


class StockLimit(Refusal):
    """The stock would leave the range that the event contract can carry (int32)."""


class KeyReused(Refusal):
    """The Idempotency-Key belongs to another request."""


class StaleVersion(Refusal):
    """The caller decided on a version that is no longer the current one."""
