"""Certificates for mutual TLS: one small authority, and one certificate for each participant.

The subject's common name is the participant's id, and that is who is at the other end of a link;
the alternative name repeats it, so that whoever dials can hold the answerer to it. PEM bytes in, PEM bytes
out: the moment comes in as an argument, keys and serial numbers come from the library's randomness. Where the
files lie and who may read them is for whoever keeps them; revocation is not here yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

FOLDER: Final = "pki"  # of the state folder
AUTHORITY: Final = "authority"  # whose certificate everybody trusts
SWITCH: Final = "switch"  # the name of the switch itself, which is no participant
HSM: Final = "hsm"  # and of the HSM simulator
RESERVED: Final = frozenset({AUTHORITY, SWITCH, HSM})

# A stolen key is of use until its certificate ends, and nothing is revoked yet: hence short. The authority
# outlives its certificates many times over, because replacing it means visiting every participant.
CERTIFICATE_LASTS: Final = timedelta(days=90)
RENEW_BEFORE: Final = timedelta(days=30)
AUTHORITY_LASTS: Final = timedelta(days=5 * 365)
BACKDATED: Final = timedelta(hours=1)  # the clocks of two machines differ
COMMON_NAME_MAX: Final = 64  # RFC 5280, ub-common-name

CURVE: Final = ec.SECP256R1


@dataclass(frozen=True, slots=True)
class Credential:
    """A certificate and its private key, both PEM. The key is not shown."""

    certificate: bytes
    key: bytes = field(repr=False)


def certificate_file(name: str) -> str:
    """Where a party's certificate lies, in the folder of certificates."""
    return f"{name}.crt"


def key_file(name: str) -> str:
    """Where its key lies."""
    return f"{name}.key"


def make_authority(network: str, now: datetime, lasts: timedelta = AUTHORITY_LASTS) -> Credential:
    """A new authority that signs for one network, and for no further authorities."""
    key = ec.generate_private_key(CURVE())
    subject = _subject(f"{network} {AUTHORITY}")
    builder = _builder(subject, subject, key.public_key(), now, now + lasts)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
    return Credential(_pem(builder.sign(key, hashes.SHA256())), _private_pem(key))


def issue(
    authority: Credential, name: str, hosts: Sequence[str], now: datetime, lasts: timedelta = CERTIFICATE_LASTS
) -> Credential:
    """A new key and its certificate, for both ends of a link: for the party of that name, reached at these hosts."""
    key = ec.generate_private_key(CURVE())
    names = [x509.DNSName(name), *dict.fromkeys(map(_alternative, hosts))]
    alternatives = x509.SubjectAlternativeName(list(dict.fromkeys(names)))
    certificate = _signed(authority, _subject(name), key.public_key(), alternatives, now, lasts)
    return Credential(certificate, _private_pem(key))


def renewed(authority: Credential, certificate: bytes, now: datetime, lasts: timedelta = CERTIFICATE_LASTS) -> bytes:
    """The same certificate with more time, for the same key: the key never leaves its owner for it."""
    old = x509.load_pem_x509_certificate(certificate)
    key = old.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise ValueError("the certificate's key is not one that we make")
    alternatives = old.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return _signed(authority, old.subject, key, alternatives, now, lasts)


def ends_at(certificate: bytes) -> datetime:
    """The moment after which nobody accepts it."""
    return x509.load_pem_x509_certificate(certificate).not_valid_after_utc


def is_due(certificate: bytes, now: datetime) -> bool:
    """Whether it is time to renew it."""
    return ends_at(certificate) - now < RENEW_BEFORE


def is_issued_by(authority: bytes, certificate: bytes) -> bool:
    """Whether this authority signed that certificate."""
    try:
        x509.load_pem_x509_certificate(certificate).verify_directly_issued_by(x509.load_pem_x509_certificate(authority))
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _signed(
    authority: Credential,
    subject: x509.Name,
    key: ec.EllipticCurvePublicKey,
    alternatives: x509.SubjectAlternativeName,
    now: datetime,
    lasts: timedelta,
) -> bytes:
    issuer = x509.load_pem_x509_certificate(authority.certificate)
    signer = serialization.load_pem_private_key(authority.key, password=None)
    if not isinstance(signer, ec.EllipticCurvePrivateKey):
        raise ValueError("the authority's key is not one that we make")
    until = min(now + lasts, issuer.not_valid_after_utc)  # nothing outlives who vouches for it
    builder = _builder(subject, issuer.subject, key, now, until)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=False), critical=True)
    both_ends = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
    builder = builder.add_extension(x509.ExtendedKeyUsage(both_ends), critical=False)
    builder = builder.add_extension(alternatives, critical=False)
    above = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    builder = builder.add_extension(above, critical=False)
    return _pem(builder.sign(signer, hashes.SHA256()))


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, until: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(until)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:COMMON_NAME_MAX])])


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
