"""The oracle: reads what a run left behind, knows the promises, and names the key where one was broken.

Standard library only. It imports no party and nothing that two parties share, so that no mistake of theirs can hide
here: what it knows of message types, keys and response codes it has written down itself.

    python -m tests.oracle history.jsonl journal.jsonl nbk.db wire.jsonl …

Files are JSON lines, or a bank's own book (NAME.db, see `bank_book`). Every line says which book it is of, so that one
file may hold several. Card numbers appear as tokens only. A rule is applied where the books it needs are there; what
was not looked at is said.

    history    what a client did or heard: event (invoke, ok, fail, unknown), id of the operation, at, participant,
               mti, card, elements
    journal    a record, as `payswitch journal export` prints it: record, kind, number, key, at, mti, issuer, stan,
               elements, response_code, reverses, left, debts …
    issuer     a bank's book: issuer, what (booking, entry, hold), key, and what belongs to it
    saf        what store and forward holds at the end: number, issuer, mti, stan, state (waiting, parked)
    wire       a message on a link of the switch: at, link, side (gateway, issuer), way (in and out, seen from the
               switch; closed), participant, mti, card, elements
    clearing   a transaction in a clearing file: file, business_date, key, amount, currency
    totals     of a business date: issuer, business_date, currency, count, amount
    agreement  what an issuer allows the switch: issuer, stand_in_limit, stand_in_day_limit

The key of a transaction is `participant/class/DE 7 DE 11 DE 41`; in a bank's book it is
`type/STAN/DE 7/acquirer` with the switch's own STAN, because that is what the bank was told.
Amounts are integers in minor units, currencies as in DE 49.
"""
