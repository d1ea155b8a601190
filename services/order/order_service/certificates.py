"""When the certificates that this process uses expire, as a metric: whoever renews them is to know in time."""

from collections.abc import Mapping
from functools import partial
from typing import Protocol

from prometheus_client import Gauge


class PemFile(Protocol):
    """A path, as far as it is asked."""

    def read_bytes(self) -> bytes:
        """What it holds, in PEM form. Raises `OSError` or `ValueError`."""


Files = Mapping[str, PemFile | None]
"""By the setting that names each."""

EXPIRY_TEXT = "When the certificates in the file that a setting names expire; 0 when it cannot be read"
_AUTHORITIES = ("cafile", "truststore.location")  # so end the settings that name who is trusted


def watch(expiry: Gauge, files: Files) -> None:
    """Have `expiry`, labelled by setting, tell of the files as they are when the metrics are read: nothing in use is older."""
    for setting, file in files.items():
        if file is not None:
            expiry.labels(setting).set_function(partial(expires_at, file, setting))


def expires_at(file: PemFile, setting: str) -> float:
    """Seconds since 1970. Of a chain each certificate is needed; of those who are trusted one may be, so the last counts."""
    from cryptography import x509  # noqa: PLC0415 - who has no certificates does not pay for it

    try:
        found = x509.load_pem_x509_certificates(file.read_bytes())
    except (OSError, ValueError):
        return 0.0
    ends = [each.not_valid_after_utc.timestamp() for each in found]
    return max(ends) if setting.endswith(_AUTHORITIES) else min(ends)
