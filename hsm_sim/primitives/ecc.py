"""Elliptic curves of NIST: key pairs, and ECDSA to prove that they are good for something.

A private key travels between commands as DER (PKCS #8), and never in the clear beyond them.
"""

from collections.abc import Callable, Mapping

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

Random = Callable[[int], bytes]  # so many random bytes

CURVES: Mapping[str, type[ec.EllipticCurve]] = {"P-256": ec.SECP256R1, "P-384": ec.SECP384R1, "P-521": ec.SECP521R1}

_ORDERS: Mapping[str, int] = {
    "P-256": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    "P-384": int("F" * 48 + "C7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973", 16),
    "P-521": int("01FF" + "F" * 62 + "FA51868783BF2F966B7FCC0148F709A5D03BB5C9B8899C47AEBB6FB71E91386409", 16),
}  # FIPS 186-4, D.1.2


def generated(curve: str, random: Random) -> tuple[bytes, bytes]:
    """A fresh pair on one of CURVES: the public key (SubjectPublicKeyInfo) and the private one (PKCS #8), both DER.

    The private number is drawn from eight bytes more than it has (FIPS 186-4, B.4.1).
    """
    group = CURVES[curve]()
    drawn = int.from_bytes(random((group.key_size + 7) // 8 + 8), "big")
    key = ec.derive_private_key(drawn % (_ORDERS[curve] - 1) + 1, group)
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    private = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return public, private
