"""Why a command or a message was refused. The class is the decision, the message is for a person; nothing was changed."""


class DomainError(Exception):
    """The rules say no. `pointer` is the JSON pointer of the field at fault, when there is one."""

    def __init__(self, detail: str, *, pointer: str | None = None) -> None:
        """`detail` is for a person."""
        super().__init__(detail)
        self.detail = detail
        self.pointer = pointer


class InvalidOrderError(DomainError):
    """An order that no state of the system could accept."""


class UnknownProductError(DomainError):
    """This instance has not (yet) heard of the product."""


class UnknownOrderError(DomainError):
    """No order of that id exists here, and here is where it would be."""


class ProductExistsError(DomainError):
    """The product id is taken."""


class IllegalTransitionError(DomainError):
    """The order's status does not allow the command."""


class StockLimitError(DomainError):
    """The stock would leave the range that the event contract can carry (int32)."""


class KeyReusedError(DomainError):
    """The Idempotency-Key belongs to another request."""


class StaleVersionError(DomainError):
    """The caller decided on a version that is no longer the current one."""


class InvalidAnswerError(DomainError):
    """An answer about stock that its sender cannot give."""


class ForeignOfferError(DomainError):
    """A product's definition that its sender has no say about."""


class UnstorableError(DomainError):
    """The database refuses a value that the rules let pass."""


class UnreadableStateError(DomainError):
    """What the database holds of an aggregate is none, as after a hand has changed its row.

    The detail names the row, for whoever asks; what stands there is in the cause, for the log.
    """
