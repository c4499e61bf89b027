"""The authority and what it signs, held against what others make of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.verification import PolicyBuilder, Store

from protocols import pki

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
AUTHORITY = pki.make_authority("Gulf", NOW)
NBK = pki.issue(AUTHORITY, "nbk", ["127.0.0.1"], NOW)


def read(certificate: bytes) -> x509.Certificate:
    return x509.load_pem_x509_certificate(certificate)


def test_a_certificate_names_its_participant_twice() -> None:
    certificate = read(NBK.certificate)
    assert certificate.subject.rfc4514_string() == "CN=nbk"
    alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert alternatives.get_values_for_type(x509.DNSName) == ["nbk"]
    assert [str(address) for address in alternatives.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]


def test_a_strict_verifier_takes_it_for_either_end() -> None:
    """The library's own path validation is stricter than OpenSSL's: what passes there passes elsewhere."""
    policy = PolicyBuilder().store(Store([read(AUTHORITY.certificate)])).time(NOW)
    chain = policy.build_client_verifier().verify(read(NBK.certificate), []).chain
    assert [one.subject.rfc4514_string() for one in chain] == ["CN=nbk", "CN=Gulf authority"]
    assert policy.build_server_verifier(x509.DNSName("nbk")).verify(read(NBK.certificate), [])


def test_certificates_are_short_lived_and_never_outlive_their_authority() -> None:
    assert pki.ends_at(NBK.certificate) == NOW + pki.CERTIFICATE_LASTS
    late = pki.ends_at(AUTHORITY.certificate) - timedelta(days=1)
    assert pki.ends_at(pki.issue(AUTHORITY, "nbk", [], late).certificate) == pki.ends_at(AUTHORITY.certificate)


def test_it_is_renewed_for_the_same_key_and_name_when_a_month_is_left() -> None:
    later = NOW + pki.CERTIFICATE_LASTS - pki.RENEW_BEFORE
    assert not pki.is_due(NBK.certificate, later)
    assert pki.is_due(NBK.certificate, later + timedelta(seconds=1))
    again = pki.renewed(AUTHORITY, NBK.certificate, later)
    assert read(again).public_key() == read(NBK.certificate).public_key()
    assert read(again).subject == read(NBK.certificate).subject
    assert pki.ends_at(again) == later + pki.CERTIFICATE_LASTS
    assert not pki.is_due(again, later)


def test_another_authority_of_the_same_name_did_not_issue_it() -> None:
    other = pki.make_authority("Gulf", NOW)
    assert pki.is_issued_by(AUTHORITY.certificate, NBK.certificate)
    assert not pki.is_issued_by(other.certificate, NBK.certificate)


def test_a_key_fits_its_certificate_and_is_not_shown() -> None:
    key = load_pem_private_key(NBK.key, password=None)
    assert key.public_key() == read(NBK.certificate).public_key()
    assert "PRIVATE" not in repr(NBK)


def test_a_long_name_of_a_network_still_makes_an_authority() -> None:
    subject = read(pki.make_authority("x" * 200, NOW).certificate).subject
    assert len(subject.rfc4514_string()) == len("CN=") + pki.COMMON_NAME_MAX
