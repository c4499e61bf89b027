"""HdrHistogram's form: what we write its own reader takes, what it writes we take, and noise is an error."""

from base64 import b64decode, b64encode
from contextlib import suppress
from pathlib import Path

import pytest
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader
from hypothesis import given
from hypothesis import strategies as st

from loadtest.histogram import DIGITS, HIGHEST_US, LOWEST_US, Histogram, highest_in, index_of
from loadtest.histogram_codec import decoded, encoded
from loadtest.result import Clock
from tests.loadtest.results import made_up

RANGE = (DIGITS, LOWEST_US, HIGHEST_US)
BUCKETS = index_of(HIGHEST_US) + 1
COUNTS = st.dictionaries(st.integers(1, HIGHEST_US).map(index_of), st.integers(1, 2**40), max_size=40)


@given(COUNTS)
def test_the_library_reads_what_we_write(counts: dict[int, int]) -> None:
    library = HdrHistogram.decode(encoded(counts, *RANGE))
    assert library.get_total_count() == sum(counts.values())
    assert {index: library.counts[index] for index in counts} == counts


@given(st.lists(st.tuples(st.integers(1, HIGHEST_US), st.integers(1, 10**9)), max_size=40))
def test_we_read_what_the_library_writes(values: list[tuple[int, int]]) -> None:
    library, ours = HdrHistogram(LOWEST_US, HIGHEST_US, DIGITS), Histogram()
    for value, times in values:
        library.record_value(value, times)
        ours.record(value, times)
    assert decoded(bytes(library.encode()).decode(), *RANGE, BUCKETS) == ours.counts


@given(COUNTS)
def test_reading_is_the_inverse_of_writing(counts: dict[int, int]) -> None:
    assert decoded(encoded(counts, *RANGE), *RANGE, BUCKETS) == counts


@given(st.binary(max_size=200))
def test_noise_is_an_error_and_nothing_else(noise: bytes) -> None:
    with pytest.raises(ValueError, match="histogram"):
        decoded(b64encode(noise).decode(), *RANGE, BUCKETS)


@given(COUNTS, st.data())
def test_damage_is_an_error_or_another_histogram(counts: dict[int, int], data: st.DataObject) -> None:
    whole = bytearray(b64decode(encoded(counts, *RANGE)))
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= data.draw(st.integers(1, 255))
    with suppress(ValueError):
        decoded(b64encode(whole).decode(), *RANGE, BUCKETS)


def test_a_histogram_of_another_precision_is_refused() -> None:
    with pytest.raises(ValueError, match="precision"):
        decoded(bytes(HdrHistogram(1, HIGHEST_US, 2).encode()).decode(), *RANGE, BUCKETS)


def test_the_log_of_a_run_is_read_by_hdrhistograms_own_reader(tmp_path: Path) -> None:
    run = made_up(seconds=4, rate=50)
    run.write(tmp_path)
    reader = HistogramLogReader(str(tmp_path / "hist.hlog"), HdrHistogram(LOWEST_US, HIGHEST_US, DIGITS))
    merged = Histogram()
    while (one := reader.get_next_interval_histogram()) is not None:
        if (one.get_tag() or "").startswith("response/"):
            merged.add(Histogram({index: count for index, count in enumerate(one.counts[: one.counts_len]) if count}))
    reader.close()
    whole = run.histogram(Clock.RESPONSE, measured=False)
    assert merged == whole
    assert highest_in(max(merged.counts)) == whole.highest_us
