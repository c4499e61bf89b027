"""RSA: key pairs, signatures of PKCS #1, and how the keys are written.

A private key's five numbers are never in the clear outside a command. Making a
pair takes from tens of milliseconds to seconds: whoever calls `generated` does
so in a thread.
"""

from collections.abc import Mapping
from functools import lru_cache
from secrets import token_bytes

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.padding import AsymmetricPadding
from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateKey,
    RSAPrivateNumbers,
    RSAPublicKey,
    RSAPublicNumbers,
    generate_private_key,
)

from hsm_sim.primitives import der, primes
from hsm_sim.primitives.primes import Random

BITS_LEAST, BITS_MOST = 320, 4096  # below nobody should, above a worker is held for minutes
LIBRARY_LEAST, LIBRARY_EXPONENTS = 1024, (3, 65537)  # what `cryptography` makes
BITS_SMALLEST = BITS_LEAST  # of a public key that is taken
HASHES: Mapping[str, type[hashes.HashAlgorithm]] = {
    "sha1": hashes.SHA1,
    "md5": hashes.MD5,
    "sha224": hashes.SHA224,
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}


class BadKeyError(ValueError):
    """These bytes are no RSA key."""


def generated(bits: int, exponent: int, random: Random | None = None) -> bytes:
    """A fresh private key, as `private_der` writes it. Slow.

    With `random` its bytes alone decide which key it is, and it takes some ten times as long.
    """
    if random is None and bits >= LIBRARY_LEAST and exponent in LIBRARY_EXPONENTS:
        return private_der(generate_private_key(exponent, bits))
    half, random = bits // 2, random or token_bytes
    one = primes.prime(half, exponent, random)
    other = primes.prime(bits - half, exponent, random, other_than=one)
    p, q = max(one, other), min(one, other)
    d = pow(exponent, -1, (p - 1) * (q - 1))
    return der.written((p, q, d % (p - 1), d % (q - 1), pow(q, -1, p)), signed=False)


def private_der(key: RSAPrivateKey) -> bytes:
    """p, q, d mod p-1, d mod q-1 and 1/q mod p, without signs: what a payShield was seen to keep in a key block."""
    numbers = key.private_numbers()
    return der.written((numbers.p, numbers.q, numbers.dmp1, numbers.dmq1, numbers.iqmp), signed=False)


@lru_cache(maxsize=64)  # putting a key together costs as much as a signature
def private_key(written: bytes) -> RSAPrivateKey:
    """The key again. Raises BadKeyError."""
    try:
        (p, q, dmp1, dmq1, iqmp), _ = der.read(written)
        exponent = pow(dmp1, -1, p - 1)
        d = pow(exponent, -1, (p - 1) * (q - 1))
        numbers = RSAPrivateNumbers(p, q, d, dmp1, dmq1, iqmp, RSAPublicNumbers(exponent, p * q))
        return numbers.private_key(unsafe_skip_rsa_key_validation=True)  # whoever opened it has checked its MAC
    except ValueError:
        raise BadKeyError("private key") from None


def public_der(key: RSAPublicKey, signed: bool = True) -> bytes:
    """RSAPublicKey of PKCS #1: modulus and exponent."""
    numbers = key.public_numbers()
    return der.written((numbers.n, numbers.e), signed)


def public_key(written: bytes) -> tuple[RSAPublicKey, int]:
    """The key that `written` begins with, with signs or without, and how many bytes it takes. Raises BadKeyError."""
    try:
        (modulus, exponent), end = der.read(written)
        if modulus.bit_length() < BITS_SMALLEST:
            raise BadKeyError("modulus")
        return RSAPublicNumbers(exponent, modulus).public_key(), end
    except ValueError:
        raise BadKeyError("public key") from None


def signed(key: RSAPrivateKey, name: str, message: bytes, pss: bool = False) -> bytes:
    """RSASSA-PKCS1-v1_5 or PSS, as long as the modulus. Raises ValueError when the key is too short for the hash."""
    return key.sign(message, _padding(name, pss), HASHES[name]())


def is_signature(key: RSAPublicKey, name: str, signature: bytes, message: bytes, pss: bool = False) -> bool:
    """Whether this signature is of this message."""
    try:
        key.verify(signature, message, _padding(name, pss), HASHES[name]())
    except InvalidSignature:
        return False
    return True


def _padding(name: str, pss: bool) -> AsymmetricPadding:
    hashed = HASHES[name]()
    return padding.PSS(padding.MGF1(hashed), hashed.digest_size) if pss else padding.PKCS1v15()
