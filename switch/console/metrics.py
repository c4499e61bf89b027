"""`/metrics`: the figures in Prometheus' text form, made when somebody asks and at no other time.

No label holds card data or anything a peer could choose: participants are those of the agreements, reasons those of the
table (`protocols.codes`), everything else is a word of ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import prometheus_client as prometheus
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from switch.console import figures
from switch.console.figures import Figures
from switch.core import VERSION
from switch.tally import BOUNDS_S, Ended, Times

if TYPE_CHECKING:
    from switch.shell.node import Node

CONTENT_TYPE: Final = prometheus.CONTENT_TYPE_LATEST
ANSWERS: Final = "answer."  # of `core.counts`: told by transactions_total, with more in it
TOLD_ELSEWHERE: Final = frozenset({"answer.late", "answer.unmatched", "answer.unasked", "answer.senseless"})


class OfNode(Collector):
    """Everything that is known of a node."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def collect(self) -> Iterator[Metric]:
        node = self._node
        now = figures.read(node)
        yield _gauge("payswitch_info", "Constant 1; the version of the journal's records", version=VERSION)
        yield _gauge("payswitch_ready", "1 while new requests are taken", float(node.phase == "ready"))
        yield from _transactions(now)
        yield from _refusals(node)
        yield from _peers(now)
        yield from _hsm(now)
        yield from _journal(now)
        yield _gauge("payswitch_open_transactions", "Asked and not answered yet", now.in_flight)
        yield _gauge("payswitch_remembered_transactions", "In the memory of repeats and originals", now.remembered)
        yield _gauge("payswitch_remembered_transactions_max", "Its bound", now.remembered_at_most)


def _gauge(name: str, words: str, value: float = 1.0, **labels: str) -> Metric:
    family = GaugeMetricFamily(name, words, labels=list(labels))
    family.add_metric(list(labels.values()), value)
    return family


def _counter(name: str, words: str, value: float) -> Metric:
    family = CounterMetricFamily(name, words)
    family.add_metric([], value)
    return family


def _transactions(now: Figures) -> Iterator[Metric]:
    ends = CounterMetricFamily("payswitch_transactions", "Transactions that ended", labels=Ended._fields)
    for end, count in now.ends.items():
        ends.add_metric(list(end), count)
    yield ends
    ways = CounterMetricFamily("payswitch_answers", "Transactions by the way they were told", labels=["way"])
    ways.add_metric(["lane"], now.in_lane)
    ways.add_metric(["story"], now.as_stories)
    yield ways


def _refusals(node: Node) -> Iterator[Metric]:
    core = node.core
    refused = CounterMetricFamily("payswitch_refusals", "Answered without effect or record", labels=["reason"])
    for slug, count in core.tally.refused.items():
        refused.add_metric([slug], count)
    yield refused
    tls = CounterMetricFamily("payswitch_tls_refusals", "TLS links that were turned away", labels=["reason"])
    for slug, count in node.refusals.items():
        tls.add_metric([slug], count)
    yield tls
    unasked = CounterMetricFamily(
        "payswitch_unasked_answers",
        "Answers that nobody waited for: late, double, stray (never asked), differs (from what was asked), unasked",
        labels=["participant", "kind"],
    )
    for (participant, kind), count in core.unasked.items():
        unasked.add_metric([participant, kind], count)
    yield unasked
    events = CounterMetricFamily("payswitch_events", "What the log tells, and more", labels=["event"])
    for name, count in core.counts.items():
        if not name.startswith(ANSWERS) or name in TOLD_ELSEWHERE:
            events.add_metric([name], count)
    yield events


def _peers(now: Figures) -> Iterator[Metric]:
    who = ["participant", "kind"]
    links = GaugeMetricFamily("payswitch_links", "Connections", labels=[*who, "state"])
    in_flight = GaugeMetricFamily("payswitch_in_flight", "Questions that wait for their answer", labels=who)
    owed = GaugeMetricFamily("payswitch_owed", "Messages in store and forward, the parked among them", labels=who)
    parked = GaugeMetricFamily("payswitch_parked", "Messages in store and forward that wait for people", labels=who)
    circuits = GaugeMetricFamily("payswitch_circuits", "Links by the state of their circuit", labels=[*who, "state"])
    times = HistogramMetricFamily(
        "payswitch_issuer_answer_seconds",
        "From a request on its way to its answer; of a read in the lane its oldest and its youngest speak for all",
        labels=["participant"],
    )
    for peer in now.peers:
        name = [peer.id, peer.kind.value]
        for state, count in (("open", peer.links), ("signed_on", peer.signed_on), ("wanted", peer.wanted)):
            links.add_metric([*name, state], count)
        in_flight.add_metric(name, peer.in_flight)
        if peer.times is not None:
            owed.add_metric(name, peer.owed)
            parked.add_metric(name, peer.parked)
            _add(times, [peer.id], peer.times)
        for state, count in peer.circuits.items():
            circuits.add_metric([*name, state], count)
    yield from (links, in_flight, owed, parked, circuits, times)
    frames = CounterMetricFamily(
        "payswitch_frames", "Messages on the wire", labels=["side", "participant", "direction"]
    )
    for (side, participant, direction), count in now.frames.items():
        frames.add_metric([side, participant, direction], count)
    yield frames


def _hsm(now: Figures) -> Iterator[Metric]:
    hsm = now.hsm
    links = GaugeMetricFamily("payswitch_hsm_links", "Connections with the HSM", labels=["state"])
    for state, count in (("open", hsm.links), ("wanted", hsm.wanted), ("silent", hsm.silent)):
        links.add_metric([state], count)
    yield links
    yield _gauge("payswitch_hsm_in_flight", "Commands that wait for their answer", hsm.in_flight)
    yield _counter("payswitch_hsm_commands", "Commands that went out", hsm.asked)
    yield _counter("payswitch_hsm_answers", "Answers that came to them", hsm.answers)


def _journal(now: Figures) -> Iterator[Metric]:
    journal = now.journal
    yield _gauge("payswitch_journal_batch", "Sequence number of the last batch", journal.batches)
    yield _gauge("payswitch_journal_record", "Number of the last record", journal.records)
    commits = HistogramMetricFamily("payswitch_journal_commit_seconds", "From a closed batch to one that is on disk")
    _add(commits, [], journal.commits)
    yield commits
    yield _gauge("payswitch_journal_free_bytes", "Room on the journal's disk", journal.free_bytes)
    yield _gauge("payswitch_journal_reserve_bytes", "Of it, what new requests leave", journal.reserve_bytes)
    yield _gauge("payswitch_journal_short_of_room", "1 while new requests are refused for it", journal.is_short_of_room)


def _add(family: HistogramMetricFamily, labels: list[str], times: Times) -> None:
    """Prometheus wants each bucket with all that is below it."""
    below, buckets = 0, []
    for bound, count in zip((*map(str, BOUNDS_S), "+Inf"), times.buckets, strict=True):
        below += count
        buckets.append((bound, below))
    family.add_metric(labels, buckets, times.sum_s)


def registry(node: Node) -> prometheus.CollectorRegistry:
    """The node's figures, and the process's: memory, descriptors, processor time."""
    made = prometheus.CollectorRegistry()
    made.register(OfNode(node))
    prometheus.ProcessCollector(namespace="payswitch", registry=made)
    return made


def text(registry: prometheus.CollectorRegistry) -> bytes:
    """The text of this moment."""
    return prometheus.generate_latest(registry)
