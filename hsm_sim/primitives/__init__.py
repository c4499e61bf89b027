"""Cryptographic primitives: bytes (or digits) and keys in, bytes (or digits) out, each with a public vector.

No error code of the HSM is known here, no key type and no LMK; a value that
cannot be is a ValueError of its own kind, which names no secret.
"""
