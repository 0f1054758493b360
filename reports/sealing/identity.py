"""Who seals reports: an RSA key and its certificate, from files, from a token, or made here at first use.

RSA, since an elliptic-curve key would have the file declare PDF 2.0, which PDF/A-3 does not allow.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from asn1crypto import keys as asn1_keys
from asn1crypto import pem
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from pyhanko.sign.signers import Signer, SimpleSigner
from pyhanko_certvalidator.registry import SimpleCertificateStore

from ledger.keys import token_of
from ledger.publishing import origin

BITS = 3072
YEARS = 3
DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Identity:
    """A signer that pyHanko can use, and the certificate that it seals under."""

    signer: Signer
    certificate: asn1_x509.Certificate

    @property
    def digest(self) -> str:
        """SHA-256 of the certificate (DER), as the ledger names it."""
        return sha256(self.certificate.dump()).hexdigest()

    @property
    def valid_until(self) -> datetime:
        """The last moment at which it may seal."""
        until: datetime = self.certificate["tbs_certificate"]["validity"]["not_after"].native
        return until

    @property
    def valid_from(self) -> datetime:
        """The first moment at which it may seal."""
        since: datetime = self.certificate["tbs_certificate"]["validity"]["not_before"].native
        return since


@contextmanager
def identity() -> Iterator[Identity]:
    """Who seals now. A token's session is open for as long as the block runs.

    Raises ImproperlyConfigured for settings that name no usable key or certificate.
    """
    given = settings.GATEBOOK_REPORT_KEY
    if given.startswith("pkcs11:"):
        with _on_token(given) as found:
            yield found
    else:
        yield _from_files(given)


def certificate_file() -> Path:
    """Where the certificate that was made here lies."""
    return Path(settings.GATEBOOK_KEYS) / "reports.crt"


def _key_file() -> Path:
    return Path(settings.GATEBOOK_KEYS) / "reports.pem"


def _from_files(given: str) -> Identity:
    if given:
        raw, chain = _read(Path(given), "GATEBOOK_REPORT_KEY"), _chain()
    else:
        raw, chain = _made_here()
    key = _rsa(raw, given or str(_key_file()))
    der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    own, *others = chain
    _ensure_pair(key, own)
    store = SimpleCertificateStore()  # type: ignore[no-untyped-call]
    store.register_multiple(others)
    signer = SimpleSigner(
        signing_cert=own, signing_key=asn1_keys.PrivateKeyInfo.load(der), cert_registry=store
    )
    return Identity(signer=signer, certificate=own)


@contextmanager
def _on_token(address: str) -> Iterator[Identity]:
    try:
        from pyhanko.config.pkcs11 import TokenCriteria  # noqa: PLC0415
        from pyhanko.sign.pkcs11 import (  # noqa: PLC0415  (the extra `pkcs11`)
            PKCS11Signer,
            open_pkcs11_session,
        )
    except ImportError as error:
        raise ImproperlyConfigured("A key on a token needs the extra `pkcs11`.") from error
    where = token_of(address, "GATEBOOK_REPORT_KEY")
    own, *others = _chain()
    criteria = TokenCriteria(label=where["token"])
    session = open_pkcs11_session(where["module-path"], token_criteria=criteria, user_pin=where["pin-value"])
    with session:
        signer = PKCS11Signer(session, signing_cert=own, key_label=where["object"], ca_chain=others)
        yield Identity(signer=signer, certificate=own)


def _chain() -> list[asn1_x509.Certificate]:
    """The certificates of the setting, the sealing one first."""
    path = settings.GATEBOOK_REPORT_CERTIFICATE
    if not path:
        raise ImproperlyConfigured(
            "GATEBOOK_REPORT_KEY needs its certificate in GATEBOOK_REPORT_CERTIFICATE."
        )
    raw = _read(Path(path), "GATEBOOK_REPORT_CERTIFICATE")
    try:
        found = [asn1_x509.Certificate.load(der) for _kind, _head, der in pem.unarmor(raw, multiple=True)]
    except ValueError as error:
        raise ImproperlyConfigured(f"{path} holds no certificates in PEM: {error}") from error
    return found


def _read(path: Path, setting: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ImproperlyConfigured(f"{setting} names {path}: {error.strerror}") from error


def _rsa(raw: bytes, where: str) -> RSAPrivateKey:
    try:
        key = load_pem_private_key(raw, password=None)
    except (ValueError, TypeError) as error:
        raise ImproperlyConfigured(f"{where} does not hold a private key in PEM: {error}") from error
    if not isinstance(key, RSAPrivateKey):
        raise ImproperlyConfigured(f"{where} holds a key that is not RSA; PDF/A-3 needs one.")
    return key


def _ensure_pair(key: RSAPrivateKey, certificate: asn1_x509.Certificate) -> None:
    public = x509.load_der_x509_certificate(certificate.dump()).public_key()
    if public != key.public_key():
        raise ImproperlyConfigured("The certificate for reports is not of the key that seals them.")


# Made here -----------------------------------------------------------------------------------------


def _made_here() -> tuple[bytes, list[asn1_x509.Certificate]]:
    """Key and certificate of this installation; made whole or not at all, and once."""
    pair = _key_file().with_name("reports.pair")
    if not pair.exists():
        key = generate_private_key(public_exponent=65537, key_size=BITS)
        certificate = self_signed(key, name=f"Gatebook reports of {origin()}", since=datetime.now(UTC) - DAY)
        armed = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        _write_once(pair, armed + certificate.public_bytes(Encoding.PEM), 0o600)
    blocks = list(pem.unarmor(pair.read_bytes(), multiple=True))
    found = [asn1_x509.Certificate.load(der) for kind, _head, der in blocks if kind == "CERTIFICATE"]
    keys = [der for kind, _head, der in blocks if kind == "PRIVATE KEY"]
    if not found or not keys:
        raise ImproperlyConfigured(f"{pair} does not hold a key and its certificate.")
    if not certificate_file().exists():  # for people: what they give to their readers
        _write_once(certificate_file(), pem.armor("CERTIFICATE", found[0].dump()), 0o644)
    return pem.armor("PRIVATE KEY", keys[0]), found


def self_signed(key: RSAPrivateKey, *, name: str, since: datetime, years: int = YEARS) -> x509.Certificate:
    """A certificate that vouches for itself; the ledger vouches for it, by the digest in each entry."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    document_signing = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36")  # RFC 9336
    extended = x509.ExtendedKeyUsage([document_signing, ExtendedKeyUsageOID.EMAIL_PROTECTION])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(since + timedelta(days=366 * years))
        .add_extension(usage, critical=True)
        .add_extension(extended, critical=False)
        .sign(key, hashes.SHA256())
    )


def _write_once(path: Path, content: bytes, mode: int) -> None:
    """When two processes come first at once, the first one's file stays."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
