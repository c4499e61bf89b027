"""Online banking: pages where a holder runs accounts and cards, served by the bank's own process.

`serve` is started by the bank's host (`issuers/process.py`) in the same Trio run, so a button acts on the books
at once, through `issuers.counter`, and the next payment sees it. Everything works without a script; with one,
pages follow the books while they are looked at.

| file | what it is | waits? |
|---|---|---|
| `language.py`, `languages/*.py` | every word on a page, one table a language | no |
| `attempts.py`, `sessions.py` | who tried to sign in how often, who is signed in | no |
| `sign_in.py` | passwords, as argon2 hashes | a thread |
| `views.py` | what the counter tells, as pages show it | no |
| `forms.py` | what a browser sends, read with bounds | the browser |
| `pages.py`, `actions.py`, `live.py` | one function a page, one a button, and the stream of news | Trio |
| `guard.py` | headers, hosts, and what happens when a page fails | no |
| `serve.py` | the application, and HTTP under it | Trio |
| `templates/`, `static/` | pages, stylesheet, htmx as its authors ship it (`CHECKSUMS`) | |

No card number is on any page: four digits are. The exception is a one-time number, shown once, when it is made.
"""
