"""The switch's own page: figures for machines (`/metrics`, probes) and pages for people, read from the running core.

Everything here looks; the few buttons give the orders that `payswitch saf` gives. Nothing is kept for it on the way of
a payment but integers. What pages show: `figures` (read from a node), `metrics` (the same for Prometheus), `history` (a
sample a second), `views`, `lines`, `telling`, `matrix`. How they are served: `site`, `pages`, `actions`, `live`,
`guard`, `sessions`, `forms`, `token`, `serve`.
"""
