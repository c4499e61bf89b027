"""What KU and KY share: an issuer script's command with its MAC, and its secret enciphered for the card.

The secret comes enciphered under a ZEK in ECB, is enciphered anew under the
card's confidentiality key, and stands in the command at `offset` when the MAC is
made. The layout is ours; keys and paddings are EMV's and the schemes' (EMV 4.3 book 2, 9).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hsm_sim.command import Answer, done
from hsm_sim.commands._emv import MK_SMI, Fields, card_key, master_key, octets
from hsm_sim.errors import RefusedError
from hsm_sim.keys import DECRYPTS, Keyring, KeyRule
from hsm_sim.primitives import emv
from hsm_sim.primitives.des import BLOCK, DesKey
from hsm_sim.primitives.mac import padded
from protocols.hsm import codes

MK_SMC = master_key("mk_smc", "309", codes.DESTINATION_PARITY)
ZEK = KeyRule("zek", types=("00A",), parity=codes.DESTINATION_PARITY, modes=DECRYPTS)
CONFIDENTIAL = "1"


@dataclass(frozen=True, slots=True)
class Messaging:
    """How a scheme does it: a session key from the card's key and eight bytes of session data; the secret's cipher."""

    session: Callable[[DesKey, bytes], DesKey]
    enciphered: Callable[[DesKey, bytes], bytes]


def _by_atc(card: DesKey, session_data: bytes) -> DesKey:
    return emv.visa_session_key(card, session_data[-2:])


def _with_length(key: DesKey, secret: bytes) -> bytes:
    return key.encrypt(padded(bytes((len(secret),)) + secret, 2))


def _padded_if_needed(key: DesKey, secret: bytes) -> bytes:
    return key.encrypt_cbc(padded(secret, 2) if len(secret) % BLOCK else secret, bytes(BLOCK))


def _padded_always(key: DesKey, secret: bytes) -> bytes:
    return key.encrypt_cbc(padded(secret, 2), bytes(BLOCK))


VISA = Messaging(_by_atc, _with_length)  # session data: the ATC, right-justified
MCHIP = Messaging(emv.common_session_key, _padded_if_needed)  # the ARQC, plus the number of the command
COMMON = Messaging(emv.common_session_key, _padded_always)  # the ARQC

KEYS = (MK_SMI, MK_SMC, ZEK)
SECRET_LONGEST = 248  # what one command can carry


def scripted(schemes: Mapping[str, Messaging], fields: Fields, keys: Keyring) -> Answer:
    """The MAC, eight bytes of which a card takes four to eight, and the secret as the card takes it."""
    messaging = schemes[fields["scheme"]]
    integrity = _session(messaging, MK_SMI, fields, keys)
    command = octets(fields, "command_data")
    if fields["mode"] != CONFIDENTIAL:
        if not command:
            raise RefusedError(codes.DATA_LENGTH)
        return done(mac=emv.command_mac(integrity, command).decode("latin-1"))
    hidden = messaging.enciphered(_session(messaging, MK_SMC, fields, keys), _secret(fields, keys))
    at = int(fields["offset"], 16)
    if at > len(command):
        raise RefusedError(codes.DATA_LENGTH)
    mac = emv.command_mac(integrity, command[:at] + hidden + command[at:])
    return done(mac=mac.decode("latin-1"), ciphertext=hidden.decode("latin-1"))


def _session(messaging: Messaging, rule: KeyRule, fields: Fields, keys: Keyring) -> DesKey:
    card = card_key(keys.open_des(rule, fields), octets(fields, "pan_block"))
    return messaging.session(card, octets(fields, "session_data"))


def _secret(fields: Fields, keys: Keyring) -> bytes:
    enciphered = octets(fields, "secret")
    if not enciphered or len(enciphered) % BLOCK or len(enciphered) > SECRET_LONGEST:
        raise RefusedError(codes.DATA_LENGTH)
    return keys.open_des(ZEK, fields).decrypt(enciphered)
