"""What went wrong in TLS, in words: what a library says in capitals, said so that both sides know what to mend.

"It" is the peer. Nothing here is secret, and nothing the peer wrote is repeated.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Final

HUNG_UP: Final = "it hung up during the handshake"
NOT_TLS: Final = "what it sends is not TLS"
TOO_OLD: Final = "it speaks no TLS of version 1.2 or later"
EXPIRED: Final = "its certificate has expired"
FOREIGN: Final = "its certificate is not of our authority"

#: OpenSSL's X509_V_ERR_ numbers (x509_vfy.h): why we refuse a certificate.
VERIFICATION: Final[Mapping[int, str]] = {
    7: FOREIGN,  # the signature does not fit: an authority of the same name and with another key
    9: "its certificate is not valid yet",
    10: EXPIRED,
    18: FOREIGN,
    19: FOREIGN,
    20: FOREIGN,
    21: FOREIGN,
    23: "its certificate has been revoked",
    26: "its certificate is not made for this use",
    62: "its certificate names somebody else",
    64: "its certificate names somebody else",
}

#: What OpenSSL calls it when we break off.
REASONS: Final[Mapping[str, str]] = {
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "it has no certificate",
    "UNSUPPORTED_PROTOCOL": TOO_OLD,
    "VERSION_TOO_LOW": TOO_OLD,
    "WRONG_SSL_VERSION": TOO_OLD,
    "WRONG_VERSION_NUMBER": NOT_TLS,
    "HTTP_REQUEST": NOT_TLS,
    "HTTPS_PROXY_REQUEST": NOT_TLS,
    "PACKET_LENGTH_TOO_LONG": NOT_TLS,
    "UNEXPECTED_MESSAGE": NOT_TLS,
    "NO_SHARED_CIPHER": "it has no cipher in common with us",
    "UNEXPECTED_EOF_WHILE_READING": HUNG_UP,
}

#: The alerts by which the peer breaks off (RFC 8446, section 6), without OpenSSL's prefixes.
ALERTS: Final[Mapping[str, str]] = {
    "CERTIFICATE_REQUIRED": "it wants a certificate and got none",
    "HANDSHAKE_FAILURE": "it refuses the handshake; does it want a certificate?",
    "CERTIFICATE_EXPIRED": "it refuses our certificate: expired",
    "CERTIFICATE_REVOKED": "it refuses our certificate: revoked",
    "CERTIFICATE_UNKNOWN": "it refuses our certificate",
    "BAD_CERTIFICATE": "it refuses our certificate",
    "UNSUPPORTED_CERTIFICATE": "it refuses our certificate: not made for this use",
    "UNKNOWN_CA": "it does not know the authority of our certificate",
    "DECRYPT_ERROR": "it refuses our certificate: another authority of the same name",
    "ACCESS_DENIED": "it refuses us, though our certificate is good",
    "PROTOCOL_VERSION": "it refuses our versions of TLS",
}


def in_words(error: BaseException | None) -> str:
    """Why a TLS connection ended.

    >>> in_words(ConnectionResetError())
    'it hung up during the handshake'
    """
    if isinstance(error, ssl.SSLCertVerificationError):
        return VERIFICATION.get(error.verify_code, f"its certificate does not hold: {error.verify_message}")
    if isinstance(error, ssl.SSLError):
        return _reason_in_words(error.reason or "")
    return HUNG_UP


def is_about_certificates(error: BaseException | None) -> bool:
    """Whether TLS itself failed, rather than the connection under it."""
    return isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError)


def _reason_in_words(reason: str) -> str:
    """
    >>> _reason_in_words("TLSV13_ALERT_CERTIFICATE_REQUIRED")
    'it wants a certificate and got none'
    >>> _reason_in_words("SOMETHING_NEW")
    'TLS failed: something new'
    """
    _, is_alert, alert = reason.partition("ALERT_")
    told = ALERTS.get(alert) if is_alert else REASONS.get(reason)
    return told or (f"TLS failed: {reason.replace('_', ' ').lower()}" if reason else HUNG_UP)
