"""Issuing banks: hosts that answer authorizations from their own double-entry books.

    python -m issuers nbk            the host of one bank; the switch dials in (nbk, nbd, ebi, sandbox)
    python -m issuers cards          the test cards of all banks, and what each is for
    python -m issuers books nbk      one bank's bookings, to be laid beside the switch's

A bank is a TOML file in `banks/` (or `DIR/banks` with `--network DIR`) and, once it runs, one SQLite file in
`var/issuers/`, or a schema in PostgreSQL. To begin again, delete the bank's files there. `docs/issuer.md` is for
whoever uses a bank, or puts a host of their own in its place.

| file | what it is | waits? |
|---|---|---|
| `bank.py`, `banks/*.toml` | what a bank is: products with limits, accounts, cards, keys | no |
| `amounts.py`, `script.py` | what testers ask for, by the sandbox's table of amounts or by scripts | no |
| `accounts.py` | the ledger: entries that sum to zero, holds that end once | no |
| `book.py` | what a bank knows: cards, numbers, bookings, answers given, events | no |
| `ask.py`, `proofs.py` | what a bank reads from a message, and what it has the HSM verify of it | no |
| `decision.py` | what a decision is, and what all of them share | no |
| `decide.py`, `advise.py`, `reverse.py`, `sandbox.py`, `expire.py` | the decisions | no |
| `teller.py` | what a holder or the bank may do outside a payment, and see | no |
| `desk.py` | from frame to decision to frame; the same answer to the same request | no |
| `seed.py`, `cards.py` | the books of the first day; the list of test cards | no |
| `tables.py`, `database.py`, `postgres.py`, `store.py` | what is on disk: record, then answer | the disk |
| `host.py`, `links.py`, `keys.py` | the links, the HSM, a new key | Trio |
| `banking/` | online banking: pages over the counter, for holders | Trio |
| `counter.py`, `admin.py` | the teller of a running bank, for this process and for others | Trio |

One wake-up is one batch: read all frames, fetch one snapshot, decide each in its turn, record all in one
commit, answer in one write. A request goes through no task of its own, and between looking and acting
nobody waits. Only what the HSM must say leaves the batch: a try of the PIN is recorded, the HSM asked, and the
request decided again with the verdict.

What the books promise: an approval that was heard is on disk; a request that comes twice has one effect
and one answer, also after a restart; a reversal gives everything back once, whether it comes after its
original, twice, in parts, or first; entries sum to zero per currency. `tests/issuers/test_promises.py`
holds them against random conversations.
"""
