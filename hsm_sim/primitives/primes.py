"""Large primes out of given randomness, for RSA keys a seed decides: sieve, then Miller-Rabin (FIPS 186-4, C.3)."""

from collections.abc import Callable
from math import gcd, prod

Random = Callable[[int], bytes]  # so many random bytes

ROUNDS = 8  # of Miller-Rabin: FIPS 186-4 table C.3 asks for 7 at 512 bits and fewer above
_SMALL = [number for number in range(3, 2000, 2) if all(number % other for other in range(3, int(number**0.5) + 1, 2))]
_PRODUCT = prod(_SMALL)


def prime(bits: int, exponent: int, random: Random, other_than: int = 0) -> int:
    """A prime of exactly so many bits, its two highest set, with p - 1 prime to the public exponent.

    The first one from a number drawn once, so that poor randomness gives a poor prime but ends.
    """
    candidate = _drawn(bits, random)
    while not _serves(candidate, exponent, random) or candidate == other_than:
        candidate = candidate + 2 & (1 << bits) - 1 | 3 << bits - 2
    return candidate


def _serves(candidate: int, exponent: int, random: Random) -> bool:
    return gcd(candidate, _PRODUCT) == 1 and gcd(candidate - 1, exponent) == 1 and is_prime(candidate, random)


def is_prime(number: int, random: Random) -> bool:
    """Whether an odd number above 3 is, as far as eight rounds can tell."""
    twos = (number - 1 & 1 - number).bit_length() - 1
    odd = number - 1 >> twos
    return all(_passes(number, twos, odd, random) for _ in range(ROUNDS))


def _passes(number: int, twos: int, odd: int, random: Random) -> bool:
    base = 2 + int.from_bytes(random(number.bit_length() // 8 + 8), "big") % (number - 3)
    value = pow(base, odd, number)
    if value in (1, number - 1):
        return True
    for _ in range(twos - 1):
        value = value * value % number
        if value == number - 1:
            return True
    return False


def _drawn(bits: int, random: Random) -> int:
    length = (bits + 7) // 8
    number = int.from_bytes(random(length), "big") & (1 << bits) - 1
    return number | 3 << bits - 2 | 1
