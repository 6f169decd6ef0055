"""A short run of the fuzz script; a long one is made by hand."""

from tests.fuzz_readers import fuzz


def test_a_hundred_damaged_dumps_lose_nothing():
    outcomes, failures = fuzz(count=100, seed=2)
    assert failures == []
    assert sum(count for (*_, outcome), count in outcomes.items() if outcome == "read") > 40
