"""Elliptic curves of NIST: key pairs, and ECDSA to prove that they are good for something.

A private key travels between commands as DER (PKCS #8), and never in the clear beyond them.
"""

from collections.abc import Mapping

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

CURVES: Mapping[str, type[ec.EllipticCurve]] = {"P-256": ec.SECP256R1, "P-384": ec.SECP384R1, "P-521": ec.SECP521R1}


def generated(curve: str) -> tuple[bytes, bytes]:
    """A fresh pair on one of CURVES: the public key (SubjectPublicKeyInfo) and the private one (PKCS #8), both DER."""
    key = ec.generate_private_key(CURVES[curve]())
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    private = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return public, private
