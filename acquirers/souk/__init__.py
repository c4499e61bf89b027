"""Souk Al-Watani: the demonstration's store, where sellers list goods and buyers pay with test cards.

It is a client of the store API and of nothing else, over HTTP, with a key of its own: what is here any shop could
have. `client` talks to the API, `order` says what a payment means for an order, `books` keeps goods and orders,
`shop` and `stall` are the pages of buyers and sellers, `letters` takes the news.
"""
