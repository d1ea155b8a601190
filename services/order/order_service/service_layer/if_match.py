"""The caller's condition on the version it decided on."""

from dataclasses import dataclass

from order_service.domain.errors import StaleVersionError


@dataclass(frozen=True, slots=True)
class IfMatch:
    """`versions` is None when the caller set no condition."""

    versions: frozenset[int] | None = None

    def check(self, version: int) -> None:
        """Raises `StaleVersion` unless `version` is one of those the caller would decide on."""
        if self.versions is not None and version not in self.versions:
            raise StaleVersionError(f"the current version is {version}")
