"""Instructions, two things in one run against each other, within tools/budgets.toml."""

from pathlib import Path

import bench_unix
import pytest
import tomllib

BUDGETS = tomllib.loads(Path(bench_unix.__file__).with_name("budgets.toml").read_text())


@pytest.fixture(scope="session")
def bench(micropython, certs):
    return bench_unix.Bench(micropython, certs.ca, certs.server)


@pytest.mark.parametrize("figure", BUDGETS)
def test_it_is_within_its_budget(bench, figure):
    value = bench.figures()[figure]()
    print(f"{figure}: {value:.4f}")
    assert value <= BUDGETS[figure]["at_most"]


def test_every_figure_has_a_budget(bench):
    assert set(bench.figures()) == set(BUDGETS)
