"""CI: translate a PIN block from a DUKPT terminal's key to a zone's (ZPK).

The terminal's block is of ISO format 0, or 4 under AES, for the layout does not
say. The command is older than triple DES at terminals; here its keys are those
of G0.
"""

from hsm_sim.command import Answer, Command, Randomness
from hsm_sim.commands._dukpt_pin import format_sent, pin_key
from hsm_sim.commands._pin_keys import BDK, DESTINATION_ZPK
from hsm_sim.commands._translate import carried_over
from hsm_sim.keys import Keyring
from protocols.hsm import LAYOUTS, HsmRequest


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """The PIN block under the ZPK."""
    fields = request.fields
    sent = format_sent(fields)
    keys.pin_rules.check_translation(sent, fields["destination_format"])
    source = pin_key(BDK, fields["ksn"], fields, keys, sent)
    destination = keys.open(DESTINATION_ZPK, fields)
    return carried_over({**fields, "source_format": sent}, source, destination, randomness)


COMMAND = Command(LAYOUTS["CI"], answer, keys=(BDK, DESTINATION_ZPK))
