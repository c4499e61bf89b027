"""Issuing banks: hosts that answer authorizations from their own double-entry books.

    python -m issuers nbk            the host of one bank; the switch dials in (nbk, nbd, ebi, sandbox)
    python -m issuers cards          the test cards of all banks, and what each is for
    python -m issuers books nbk      one bank's bookings, to be laid beside the switch's

A bank is a TOML file in `banks/` (or `DIR/banks` with `--network DIR`) and, once it runs, one SQLite file in
`var/issuers/`. To begin again, delete the bank's files there.

| file | what it is | waits? |
|---|---|---|
| `bank.py`, `banks/*.toml` | what a bank is: products with limits, accounts, cards | no |
| `amounts.py` | the sandbox's table: what the last four digits of an amount ask for | no |
| `accounts.py` | the ledger: entries that sum to zero, holds that end once | no |
| `book.py` | what a bank knows: cards, bookings, answers given | no |
| `ask.py` | what a bank reads from a message; card numbers become tokens | no |
| `decision.py` | what a decision is, and what all of them share | no |
| `decide.py`, `advise.py`, `reverse.py`, `sandbox.py` | the decisions | no |
| `desk.py` | from frame to decision to frame; the same answer to the same request | no |
| `seed.py`, `cards.py` | the books of the first day; the list of test cards | no |
| `store.py` | what is on disk: record, then answer | the disk |
| `host.py` | the links, the HSM | Trio |

One wake-up is one batch: read all frames, fetch one snapshot, decide each in its turn, record all in one
commit, answer in one write. A request goes through no task of its own, and between looking and acting
nobody waits. Only a PIN leaves the batch: its try is recorded, the HSM asked, and the request decided
again with the verdict.

What the books promise: an approval that was heard is on disk; a request that comes twice has one effect
and one answer, also after a restart; a reversal gives everything back once, whether it comes after its
original, twice, in parts, or first; entries sum to zero per currency. `tests/issuers/test_promises.py`
holds them against random conversations.
"""
