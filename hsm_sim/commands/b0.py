"""B0: write a key under the LMK in another scheme; under a key-block LMK, with a narrower header."""

from dataclasses import replace

from hsm_sim.command import Answer, Command, Randomness, done
from hsm_sim.commands._keys import CIPHER_USAGES, Form, header_asked, key_type_asked, narrowed, scheme_asked
from hsm_sim.keys import ANY_CIPHER, Keyring, KeyRule
from hsm_sim.lmk import KEY_TYPES
from protocols.hsm import LAYOUTS, HsmRequest

KEY = KeyRule("key", types=tuple(KEY_TYPES), chosen_by="key_type", usages=CIPHER_USAGES, algorithms=ANY_CIPHER)


def answer(request: HsmRequest, keys: Keyring, randomness: Randomness) -> Answer:
    """The key once more."""
    fields = request.fields
    form = Form(key_type_asked(fields, keys), scheme_asked(fields["scheme"], keys))
    opened = keys.opened(KEY, fields)
    if opened.attributes is not None:
        asked = header_asked(fields)
        form = replace(form, attributes=narrowed(opened.attributes, asked, fields.get("key_exportability")))
    return done(key=form.seal(keys, opened.key, randomness))


COMMAND = Command(LAYOUTS["B0"], answer, keys=(KEY,), needs_authorised=True)
