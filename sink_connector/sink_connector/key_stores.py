"""Java's key and trust stores, PKCS12 and JKS, as the PEM files that everything here reads.

Source: RFC 7292; the JKS form and its way to encrypt keys as in OpenJDK's `sun.security.provider` (JavaKeyStore, KeyProtector).
"""

import ssl
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha1
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
    from cryptography.x509 import Certificate

PEM, PKCS12, JKS = "PEM", "PKCS12", "JKS"
KINDS = (PEM, PKCS12, JKS)
OWN, TRUSTED = "ssl.keystore", "ssl.truststore"
UNREADABLE = "its password is another one, or it is damaged"
_JKS_MAGIC, _DER_SEQUENCE = b"\xfe\xed\xfe\xed", b"\x30"
_KEY_ENTRY, _OCTETS, _SHA1_BYTES = 1, 0x04, 20


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyStore:
    """A store as Kafka's keys name one. Without a `kind` its first bytes say what it is.

    PKCS12 and JKS stand for each other, as they do in Java. `key_password` is the store's own unless it is given.
    """

    file: Path
    kind: str = ""
    password: str = field(default="", repr=False)
    key_password: str = field(default="", repr=False)

    @classmethod
    def named(cls, given: Mapping[str, str], store: str) -> "KeyStore | None":
        """The one of `ssl.keystore` or `ssl.truststore` among settings, None where none is named."""
        location = given.get(f"{store}.location", "").strip()
        if not location:
            return None
        return cls(
            file=Path(location),
            kind=given.get(f"{store}.type", "").strip(),
            password=given.get(f"{store}.password", ""),
            key_password=given.get("ssl.key.password", "") if store == OWN else "",
        )

    @property
    def password_of_key(self) -> str:
        """What the key in `pem` is encrypted with; empty where it is not."""
        return self.key_password or self.password

    def pem(self) -> Path:
        """The file itself where it is a PEM file, else a copy as one in a directory that only this process's user can read.

        Keys come first, each before its certificates, then those who are trusted; what the store encrypts is encrypted in
        the copy. The copy is made anew when the store has changed. Raises `OSError`, and `ValueError` for another password
        or form.
        """
        with self.file.open("rb") as opened:
            beginning = opened.read(4)
        is_java = beginning[:1] == _DER_SEQUENCE or beginning == _JKS_MAGIC
        kind = self.kind.upper() or (PKCS12 if is_java else PEM)
        if kind not in KINDS:
            raise ValueError(f"is of type {self.kind}; known are {', '.join(KINDS)}")
        if kind == PEM:
            return self.file
        if not is_java:
            raise ValueError(f"is no {kind} store")
        status = self.file.stat()
        return _copied(self, (status.st_ctime_ns, status.st_ino, status.st_size))

    def read_bytes(self) -> bytes:
        """What the file of `pem` holds. Raises as it does."""
        return self.pem().read_bytes()


def why_unreadable(error: OSError | ValueError) -> str:
    """What to tell of a store that could not be read, or whose PEM file was refused."""
    if isinstance(error, ssl.SSLError):
        return "it is not in PEM form, or its password is another one"
    return getattr(error, "strerror", None) or str(error)


@dataclass(slots=True)
class _Content:
    keys: "list[tuple[PrivateKeyTypes, list[Certificate]]]" = field(default_factory=list)
    trusted: "list[Certificate]" = field(default_factory=list)

    def as_pem(self, password: str) -> bytes:
        from cryptography.hazmat.primitives import serialization as form  # noqa: PLC0415 - most have no such store

        secret = form.BestAvailableEncryption(password.encode()) if password else form.NoEncryption()
        parts: list[bytes] = []
        for key, chain in self.keys:
            parts.append(key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, secret))
            parts += [each.public_bytes(form.Encoding.PEM) for each in chain]
        parts += [each.public_bytes(form.Encoding.PEM) for each in self.trusted]
        return b"".join(parts)


@cache
def _directory() -> TemporaryDirectory[str]:
    return TemporaryDirectory(prefix="sink-connector-")  # gone with the process


@cache
def _copied(store: KeyStore, _stamp: tuple[int, int, int]) -> Path:
    data = store.file.read_bytes()
    content = _jks(data, store) if data.startswith(_JKS_MAGIC) else _pkcs12(data, store.password)
    with NamedTemporaryFile(dir=_directory().name, suffix=".pem", delete=False) as copy:
        copy.write(content.as_pem(store.password_of_key))
    return Path(copy.name)


def _pkcs12(data: bytes, password: str) -> _Content:
    from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12  # noqa: PLC0415 - as above

    try:
        found = load_pkcs12(data, password.encode() if password else None)
    except ValueError as error:
        raise ValueError(UNREADABLE) from error
    others = [each.certificate for each in found.additional_certs]
    if found.key is None:
        return _Content(trusted=([found.cert.certificate] if found.cert else []) + others)
    return _Content(keys=[(found.key, ([found.cert.certificate] if found.cert else []) + others)])


def _jks(data: bytes, store: KeyStore) -> _Content:
    """Java asks for no password to see whom a store trusts; without one nobody knows whether it is whole."""
    from cryptography.hazmat.primitives.serialization import load_der_private_key  # noqa: PLC0415 - as above
    from cryptography.x509 import load_der_x509_certificate  # noqa: PLC0415 - as above

    body, digest = data[:-_SHA1_BYTES], data[-_SHA1_BYTES:]
    if store.password and sha1(_utf16(store.password) + b"Mighty Aphrodite" + body).digest() != digest:  # noqa: S324 - the form's
        raise ValueError(UNREADABLE)
    content, reader = _Content(), _Reader(body, at=4)
    try:
        version, entries = reader.number(), reader.number()
        for _ in range(entries):
            is_key = reader.number() == _KEY_ENTRY
            reader.text()  # its alias
            reader.at += 8  # when it was made
            key = reader.bytes() if is_key else b""
            chain = []
            for _ in range(reader.number() if is_key else 1):
                if version > 1:
                    reader.text()  # the certificate's type, X.509
                chain.append(load_der_x509_certificate(reader.bytes()))
            if is_key:
                plain = _unprotected(key, store.password_of_key)
                content.keys.append((load_der_private_key(plain, None), chain))
            else:
                content.trusted += chain
    except (struct.error, IndexError) as error:
        raise ValueError("it ends before its last entry") from error
    return content


@dataclass(slots=True)
class _Reader:
    data: bytes
    at: int

    def number(self) -> int:
        (found,) = struct.unpack_from(">I", self.data, self.at)
        self.at += 4
        return int(found)

    def text(self) -> None:
        (length,) = struct.unpack_from(">H", self.data, self.at)
        self.at += 2 + int(length)

    def bytes(self) -> bytes:
        length = self.number()
        self.at += length
        if self.at > len(self.data):
            raise IndexError
        return self.data[self.at - length : self.at]


def _unprotected(key: bytes, password: str) -> bytes:
    """The key (PKCS8) in an entry: 20 bytes of salt, the key mixed with a chain of digests, and a digest of it."""
    protected = _octets(key)
    salt, mixed, digest = (
        protected[:_SHA1_BYTES],
        protected[_SHA1_BYTES:-_SHA1_BYTES],
        protected[-_SHA1_BYTES:],
    )
    secret, link, stream = _utf16(password), salt, b""
    while len(stream) < len(mixed):
        link = sha1(secret + link).digest()  # noqa: S324 - as above
        stream += link
    plain = bytes(one ^ other for one, other in zip(mixed, stream, strict=False))
    if sha1(secret + plain).digest() != digest:  # noqa: S324 - as above
        raise ValueError(f"the key in it cannot be read: {UNREADABLE}")
    return plain


def _octets(der: bytes) -> bytes:
    """The octet string of an EncryptedPrivateKeyInfo: a sequence of an algorithm and it."""
    _, at, _ = _element(der, 0)
    _, _, after = _element(der, at)
    kind, start, end = _element(der, after)
    if kind != _OCTETS:
        raise ValueError("the key in it is of another form than JKS has")
    return der[start:end]


def _element(der: bytes, at: int) -> tuple[int, int, int]:
    """The tag of an element of DER, and where its content begins and ends."""
    length, start = der[at + 1], at + 2
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(der[at + 2 : start], "big")
    return der[at], start, start + length


def _utf16(password: str) -> bytes:
    return password.encode("utf-16-be")
