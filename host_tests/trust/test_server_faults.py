"""The n-th allocation fails, for every n, as a board accepts a connection.

What fails for want of memory fails as it does without tickets; none of ours fails a connection.
After each the next connection works, the one after it resumes, and Mbed TLS holds no more blocks.
"""

import re
from contextlib import suppress

import pytest
from board_server import Client

# Where Mbed TLS 3.6 has no memory for TLS 1.3's key schedule, it raises these, and forgets blocks.
FORGETFUL, LEAK = re.compile("CIPHER_ALLOC_FAILED|HANDSHAKE_FAILURE"), 3

SWEEP = """
import faults
from tlsresume import server, context
CLIENT_CA = {ca!r}
ctx.load_verify_locations(CLIENT_CA)
ctx.verify_mode = tls.CERT_OPTIONAL
n = 0
heap = faults.PYTHON
outcomes = []
def serve(c):
    global n
    s = None
    outcome = None
    if n:
        faults.arm(faults.FAIL, heap, False, n)
    try:
        s = accept(c)
    except Exception as e:
        outcome = repr(e)
    count = faults.disarm()
    if n:
        outcomes.append([outcome, count])
        n = 0
    if s is not None:
        seen.append(s.session_reused)
        echo(s)
def accept(c):
    return ctx.wrap_socket(c, server_side=True)
def blocks():
    gc.collect()
    gc.collect()
    return faults.blocks()
"""

# What is allocated within upstream's calls is theirs.
OURS = """
class Upstream:
    def __init__(self, native):
        self.native = native
        self.verify_mode = native.verify_mode
    def wrap_socket(self, sock, server_side, do_handshake_on_connect):
        faults.theirs(True)
        try:
            return self.native.wrap_socket(
                sock, server_side=server_side, do_handshake_on_connect=do_handshake_on_connect)
        finally:
            faults.theirs(False)
class Module:
    def __init__(self, module):
        self.module = module
        self.wipe = module.wipe
    def accept(self, sock, upstream, state):
        self.module.accept(sock, upstream.native, state)
    def handshake(self, sock):
        faults.theirs(True)
        try:
            self.module.handshake(sock)
        finally:
            faults.theirs(False)
context._tlsresume = server._tlsresume = Module(server._tlsresume)
ctx._context = Upstream(ctx._context)
"""


@pytest.fixture(params=("1.2", "1.3"))
def version(request):
    return request.param


@pytest.fixture
def sweep(board_server, faulty, certs, version, pytestconfig):
    def sweep(
        heap, options="", program="", resume=True, certificate=None, anew=False, every=False
    ):
        """What was raised, allocation by allocation (`every`, or some); None: nothing."""
        s = board_server(options, firmware=faulty, program=SWEEP.format(ca=certs.ca.der) + program)
        client = Client(version, certs.ca.pem, certificate)
        tickets = options != "sessions=False"

        def recovered():
            client.session = None
            return [client.connect(s.port) for _ in range(2)] == [False, True] or not tickets

        assert recovered() and recovered()
        blocks = s.ask("blocks()")
        every = every or pytestconfig.getoption("--long")
        dense, stride = (10**6, 1) if every else (40, 9)
        n, outcomes = 1, []
        while True:
            if not resume:
                client.session = None
            s.ask(f"heap = faults.{heap}")
            s.ask("ctx._tickets.forget()" if anew else "0")
            s.ask(f"n = {n}")
            with suppress(OSError):
                client.connect(s.port)
            outcome, count = s.ask("outcomes[-1]")
            outcomes.append(outcome)
            if tickets:
                assert recovered(), (n, outcome)
            leak = s.ask("blocks()") - blocks
            assert leak <= (LEAK if outcome and FORGETFUL.search(outcome) else 0), (n, outcome)
            blocks += leak
            if count < n:
                break
            n += 1 if n < dense else stride
        return outcomes

    return sweep


@pytest.mark.parametrize("resume", (False, True))
@pytest.mark.parametrize("heap", ("PYTHON", "MBEDTLS"))
@pytest.mark.parametrize("anew", (False, True), ids=("", "with new keys"))
def test_an_allocation_of_ours_costs_at_most_the_resumption(sweep, heap, resume, anew):
    outcomes = sweep(heap, program=OURS, resume=resume, anew=anew)
    assert set(outcomes) == {None}


@pytest.mark.parametrize("heap", ("PYTHON", "MBEDTLS"))
def test_a_full_handshake_fails_for_want_of_memory_as_without_tickets(sweep, heap):
    ours = sweep(heap, resume=False)
    alone = sweep(heap, options="sessions=False", resume=False, every=True)
    assert set(ours) <= set(alone)


@pytest.mark.parametrize("heap", ("PYTHON", "MBEDTLS"))
def test_a_resumption_of_a_verified_client_fails_by_upstreams_allocations_alone(
    sweep, heap, certs
):
    outcomes = sweep(heap, certificate=certs.a)
    assert None in outcomes
    assert all(outcome is None or re.match("MemoryError|OSError", outcome) for outcome in outcomes)


def test_a_random_generator_that_fails_costs_the_ticket_where_it_is_for_the_ticket(
    board_server, faulty, certs, version
):
    s = board_server(firmware=faulty, program=SWEEP.format(ca=certs.ca.der))
    client = Client(version, certs.ca.pem)
    assert s.ask("heap = faults.RANDOM") is None
    lifetimes, count, n = [], 1, 0
    while count >= n:
        n += 1
        client.session = None
        s.ask(f"n = {n}")
        with suppress(OSError):
            client.connect(s.port)
        outcome, count = s.ask("outcomes[-1]")
        if outcome is None:
            lifetimes.append(client.session.ticket_lifetime_hint)
            # Of no ticket (RFC 5077 3.3), or of one to be discarded (RFC 8446 4.6.1): harmless.
            assert client.connect(s.port) == (lifetimes[-1] > 0)
    assert set(lifetimes) == {0, 86400}
