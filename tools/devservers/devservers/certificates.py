"""A certificate authority of one stack, for machines without a real one: its key never leaves its directory.

Every file is PEM. A certificate's file holds its private key (PKCS#8), then the certificate: one file is what Kafka's PEM
stores, PostgreSQL, uvicorn and Python's `ssl` take.
"""

import ipaddress
import os
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from devservers.loopback import LOOPBACK
from devservers.private_files import private_directory, write_private

AUTHORITY_LIFE = timedelta(days=365)
LIFE = timedelta(days=30)
RENEWED_BEFORE_END = timedelta(days=10)
CLOCKS_DIFFER = timedelta(minutes=5)
LOCAL_NAMES = ("localhost", LOOPBACK)


@dataclass(frozen=True, slots=True)
class Authority:
    """The authority kept in `directory`; made there when it is first needed, and again near its end."""

    directory: Path

    @property
    def certificate(self) -> Path:
        """What clients trust."""
        return self.directory / "ca.pem"

    @property
    def _key(self) -> Path:
        return self.directory / "ca.key"

    def make(self) -> "Authority":
        """Make the authority unless one is there that lasts; returns it.

        Raises:
            UnsafeFileError: the directory is not this user's alone.
        """
        private_directory(self.directory)
        if not _lasts(self.certificate):
            key = ec.generate_private_key(ec.SECP256R1())
            name = _name("Local development authority")
            # Another key has another name, so that what an old one has signed is told apart at once.
            builder = _unsigned(name, key.public_key(), issuer=name, life=AUTHORITY_LIFE).add_extension(
                x509.BasicConstraints(ca=True, path_length=0), critical=True
            )
            certificate = _signed(
                builder, key, public=key.public_key(), usage=_usage(key_cert_sign=True, crl_sign=True)
            )
            write_private(self._key, _pem(key))
            write_private(self.certificate, _pem(certificate))
        return self

    def issue(
        self,
        name: str,
        *,
        hosts: Sequence[str] = LOCAL_NAMES,
        life: timedelta = LIFE,
        file: Path | None = None,
    ) -> Path:
        """The file of the key and certificate of `name` for `hosts`, made unless there is one that lasts.

        `name` is the subject's common name, a Kafka principal. A negative `life` makes one that has expired.
        """
        file = file or self.directory / f"{name}.pem"
        if _lasts(file) and file.stat().st_mtime_ns >= self.certificate.stat().st_mtime_ns:
            return file
        authority = x509.load_pem_x509_certificate(self.certificate.read_bytes())
        authority_key = serialization.load_pem_private_key(self._key.read_bytes(), password=None)
        if not isinstance(authority_key, ec.EllipticCurvePrivateKey):
            raise TypeError(f"{self._key} is no key of an elliptic curve")
        key = ec.generate_private_key(ec.SECP256R1())
        builder = (
            _unsigned(_name(name), key.public_key(), issuer=authority.subject, life=life)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(
                x509.SubjectAlternativeName([_alternative(host) for host in hosts]), critical=False
            )
            .add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
                critical=False,
            )
        )
        certificate = _signed(
            builder,
            authority_key,
            public=authority_key.public_key(),
            usage=_usage(digital_signature=True),
        )
        write_private(file, _pem(key) + _pem(certificate))
        return file

    def java_trust_store(self) -> Path:
        """What Java programs trust that trust this authority alone: a key store (PKCS 12) with nothing secret in it."""
        file = self.directory / "ca.p12"
        certificate = x509.load_pem_x509_certificate(self.certificate.read_bytes())
        trusted = pkcs12.PKCS12Certificate(certificate, b"authority")
        file.write_bytes(pkcs12.serialize_java_truststore([trusted], serialization.NoEncryption()))
        return file

    def client_context(self, *, certificate: Path | None = None) -> ssl.SSLContext:
        """What a client trusts that trusts this authority alone; `certificate` is its own, for mutual TLS."""
        context = ssl.create_default_context(cafile=str(self.certificate))
        if certificate is not None:
            context.load_cert_chain(certificate)
        return context


def expires_at(file: Path) -> datetime:
    """When the first certificate in `file` ends, in UTC."""
    return x509.load_pem_x509_certificate(_certificate_part(file.read_bytes())).not_valid_after_utc


def _lasts(file: Path) -> bool:
    return os.path.lexists(file) and expires_at(file) - datetime.now(UTC) > RENEWED_BEFORE_END


def _certificate_part(content: bytes) -> bytes:
    return content[content.index(b"-----BEGIN CERTIFICATE-----") :]


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _unsigned(
    subject: x509.Name, public: ec.EllipticCurvePublicKey, *, issuer: x509.Name, life: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(min(now, now + life) - CLOCKS_DIFFER)
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _signed(
    builder: x509.CertificateBuilder,
    key: ec.EllipticCurvePrivateKey,
    *,
    public: ec.EllipticCurvePublicKey,
    usage: x509.KeyUsage,
) -> x509.Certificate:
    """`public` belongs to `key`; what a strict reader (RFC 5280) wants is in it."""
    return (
        builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )


def _usage(
    *, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(thing: ec.EllipticCurvePrivateKey | x509.Certificate) -> str:
    if isinstance(thing, x509.Certificate):
        return thing.public_bytes(serialization.Encoding.PEM).decode()
    return thing.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
