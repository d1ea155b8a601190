"""Single message transforms and predicates: the seam, and the chain a connector's configuration makes of them."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from sink_connector.data.record import Record
from sink_connector.errors import BadRecordError, Stage
from sink_connector.transforms.columns import ColumnTransform, ValueColumns


class Transform(Protocol):
    """Connect's `Transformation`. Returns the changed record, or None to drop it. Pure, and never waits.

    Works on records with schemas and without. Raises `BadRecordError(stage=Stage.TRANSFORMATION)` for a record that it
    cannot handle. A derived schema should be cached per source schema, so that equal records keep one schema object.
    """

    def apply(self, record: Record) -> Record | None:
        """The record as it is afterwards, None when it is dropped. Raises `BadRecordError` for one that it cannot handle."""
        ...


class Predicate(Protocol):
    """Connect's `Predicate`: decides whether a transform sees a record."""

    def test(self, record: Record) -> bool:
        """Whether the predicate holds for the record."""
        ...

    def test_all(self, values: ValueColumns) -> Sequence[bool]:
        """The same for each of many records that have a value."""
        ...


class Chain:
    """The transforms of a connector in the order of its `transforms` key."""

    def __init__(self, transforms: Sequence[Transform]) -> None:
        """Takes what it works with."""
        self._transforms = tuple(transforms)

    def __iter__(self) -> Iterator[Transform]:
        """The transforms in their order."""
        return iter(self._transforms)

    def __bool__(self) -> bool:
        """Whether there is any transform."""
        return bool(self._transforms)

    def followed_by(self, *last: Transform) -> "Chain":
        """This chain and more transforms after it."""
        return Chain([*self._transforms, *last])

    @property
    def works_on_columns(self) -> bool:
        """Whether `apply_all` may do something."""
        return all(isinstance(each, ColumnTransform) for each in self._transforms)

    def apply_all(self, values: ValueColumns) -> ValueColumns | None:
        """What the chain makes of many records at once; None where each of them is to be looked at.

        Raises whatever a transform raises because of one of them.
        """
        current: ValueColumns | None = values
        for transform in self._transforms:
            if current is None or not isinstance(transform, ColumnTransform):
                return None
            current = transform.apply_all(current)
        return current

    def apply(self, record: Record) -> Record | None:
        """The record after the last transform; None when one of them dropped it.

        Raises `BadRecordError(stage=Stage.TRANSFORMATION)`, whatever a transform has raised: the record is what failed it,
        and `errors.tolerance` decides, as in Connect.
        """
        current: Record | None = record
        for transform in self._transforms:
            if current is None:
                return None
            try:
                current = transform.apply(current)
            except BadRecordError:
                raise
            except Exception as error:
                reason = f"{type(error).__name__} in {type(transform).__name__}: {error}"
                raise BadRecordError(reason, stage=Stage.TRANSFORMATION) from error
        return current
