"""Instructions, two things in one run against each other, within tools/budgets.toml."""

import bench_unix
import bench_wire
import pytest
from budgets import BUDGETS, met
from chains import chains

pytestmark = pytest.mark.unchecked


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    return chains(tmp_path_factory.mktemp("chains"))


@pytest.fixture(scope="session")
def bench(micropython, certificates):
    return bench_unix.Bench(micropython, certificates)


@pytest.mark.parametrize("figure", BUDGETS["unix"])
def test_it_is_within_its_budget(bench, figure):
    value = bench.figures()[figure]()
    print(f"{figure}: {value:.4f}")
    assert met("unix", figure, value)


def test_every_figure_has_a_budget(bench):
    assert set(bench.figures()) == set(BUDGETS["unix"])


def test_what_passes_on_the_wire_is_within_its_budget(micropython, certificates):
    found = bench_wire.figures(micropython, certificates)
    assert over_budget("wire", found) == {}


def test_a_resumed_connection_is_sent_in_few_segments(micropython, certificates):
    found = bench_wire.segments(micropython, certificates[0])
    assert over_budget("segments", found) == {}


def test_libwebsockets_is_never_ahead_in_round_trips(micropython, certificates):
    found = bench_wire.libwebsockets(micropython, certificates[0])
    assert over_budget("libwebsockets", found) == {}


def over_budget(section, found):
    """What is over budget; every budget must have its figure."""
    assert set(BUDGETS[section]) <= set(found)
    return {name: value for name, value in found.items() if met(section, name, value) is False}
