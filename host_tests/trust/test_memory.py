"""The n-th allocation fails, for every n, in MicroPython's heap and in Mbed TLS's.

What is allocated within upstream's own calls (`tls.SSLContext.wrap_socket`, the handshake, the
application's write) is theirs, all else ours; `faulty.py` tells the module `faults` where the
one ends and the other begins. So these are the criteria:

- An allocation of ours that fails costs nothing but the resumption: what the application asked
  for works, and raises nothing.
- One of theirs fails the connection just as it fails the same program with upstream's context
  alone: allocation by allocation, as long as two handshakes allocate alike.
- After either the next connection works, the one after it resumes, the cache is in order, what
  was taken is wiped, and Mbed TLS holds no more blocks than before.

A garbage collection in the place of the failure must go unnoticed.
"""

import pytest
from faulty import SWEEP

OURS = (
    "Connect",
    "Resume",
    "Poll",
    "Close",
    "PollClosed",
    "PollDeclined",
    "LookUp",
    "Save",
    "Load",
    "SaveAsItConnects",
)
ALIKE = 300  # allocations: later ones depend on random numbers


def sweep(run, server, version, scenario, heap, what="", **kwargs):
    a, b = server(version=version), server(version=version)
    script = f"{SWEEP}result(**sweep({scenario}(), faults.{heap}{what}))"
    return run(script, PORT=a.port, OTHER=b.port, **kwargs)


@pytest.fixture
def faulty_run(run, faulty):
    return lambda script, **variables: run(script, timeout=3600, firmware=faulty, **variables)


@pytest.fixture
def stride(pytestconfig):
    """How far apart the allocations are, where there are hundreds."""
    return 1 if pytestconfig.getoption("--long") else 80


@pytest.mark.parametrize("heap", ("PYTHON", "MBEDTLS"))
@pytest.mark.parametrize("version", ("1.2", "1.3"))
@pytest.mark.parametrize("scenario", OURS)
@pytest.mark.parametrize("action", ("FAIL", "COLLECT"))
def test_an_allocation_of_ours_costs_at_most_the_resumption(
    faulty_run, server, version, scenario, heap, action, stride
):
    what = f", action=faults.{action}, dense=100, stride={stride}"
    got = sweep(faulty_run, server, version, scenario, heap, what)
    assert got["wrong"] == []


def test_a_collection_may_close_more_connections_than_may_wait(faulty_run, server):
    what = ", action=faults.COLLECT"
    got = sweep(faulty_run, server, "1.2", "PollInACrowd", "PYTHON", what)
    assert got["wrong"] == [] and got["count"] > 16  # TLSRESUME_MAX_CLOSED


@pytest.mark.parametrize("version", ("1.2", "1.3"))
def test_an_allocation_of_upstreams_fails_as_it_does_without_us(
    faulty_run, server, version, stride
):
    for heap in ("PYTHON", "MBEDTLS"):
        what = f", True, dense={ALIKE}, stride={stride * 2}"
        ours = sweep(faulty_run, server, version, "TheirsFail", heap, what)
        alone = sweep(faulty_run, server, version, "Alone", heap, what)
        assert ours["wrong"] == []
        assert ours["outcomes"][:ALIKE] == alone["outcomes"][:ALIKE]
        assert kinds(ours) <= kinds(alone)


@pytest.mark.parametrize("version", ("1.2", "1.3"))
def test_after_a_resumption_that_had_no_memory_the_next_one_works(
    faulty_run, server, version, stride
):
    for heap in ("PYTHON", "MBEDTLS"):
        got = sweep(faulty_run, server, version, "ResumedFails", heap, f", True, stride={stride}")
        assert got["wrong"] == []
        assert kinds(got) <= {"None", "MemoryError", "OSError"}


@pytest.mark.parametrize("heap", ("PYTHON", "MBEDTLS"))
@pytest.mark.parametrize("scenario", OURS)
def test_on_the_board_too(faulty_board, reachable, scenario, heap, pytestconfig):
    dense, stride = (0, 1) if pytestconfig.getoption("--long") else (4, 8)
    what = f", dense={dense}, stride={stride}"
    got = sweep(faulty_board.run, reachable, "1.2", scenario, heap, what, timeout=3600)
    assert got["wrong"] == []


def kinds(got):
    return {outcome.partition("(")[0] for outcome in got["outcomes"]}
