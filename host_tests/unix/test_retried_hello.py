"""HelloRetryRequest: the second ClientHello is the first, but for what RFC 8446 4.1.2 allows."""

import pytest
from client_hello import COOKIE, EARLY_DATA, KEY_SHARE, PADDING, PRE_SHARED_KEY

GROUPS = {"P-384": 24, "P-521": 25}
MAY_CHANGE = KEY_SHARE, COOKIE, PRE_SHARED_KEY, EARLY_DATA, PADDING
SCRIPT = "ticket", "read", b"hello\n"

TALK = """
ctx = client()
ctx.set_ciphers([name for name in ctx.get_ciphers() if CIPHERS in name])
result(reused=[once(ctx, port, server_port=1) for port in PORTS])
"""

groups = pytest.mark.parametrize("group", GROUPS)
versions = pytest.mark.parametrize("ciphers", ("", "TLS1-3"), ids=("1.2 and 1.3", "1.3"))


@pytest.fixture
def retried(run, record):
    """Talk to `ports`, as if all were one server's, through recorders: whether each connection was
    resumed, and its two hellos."""

    def retried(ports, ciphers):
        proxies = {port: record(port) for port in dict.fromkeys(ports)}
        got = run(TALK, PORTS=[proxies[port].port for port in ports], CIPHERS=ciphers)
        pairs = {port: iter(proxies[port].hellos(ports.count(port))) for port in proxies}
        return got["reused"], [next(pairs[port]) for port in ports]

    return retried


def assert_allowed(first, second, group):
    """The two differ in what RFC 8446 4.1.2 allows, and have what it demands."""
    assert second.head == first.head
    assert [x for x in second.extensions if x[0] not in MAY_CHANGE] == [
        x for x in first.extensions if x[0] not in MAY_CHANGE
    ]
    assert GROUPS[group] not in first.shares()
    assert second.shares() == [GROUPS[group]]
    assert first.get(COOKIE) is None and second.get(EARLY_DATA) is None
    assert second.psks() == first.psks()
    for hello in (first, second):
        assert hello.psks() is None or hello.extensions[-1][0] == PRE_SHARED_KEY


@groups
@versions
def test_the_group_that_the_server_wants_is_all_that_changes(retried, tickets, ciphers, group):
    server = tickets(SCRIPT, groups=group)
    reused, hellos = retried((server.port,) * 3, ciphers)
    assert reused == [False, True, True] == server.reused
    for number, (first, second) in enumerate(hellos):
        assert_allowed(first, second, group)
        assert (first.psks() is not None) == (number > 0)
        # Over another transcript.
        assert number == 0 or second.get(PRE_SHARED_KEY) != first.get(PRE_SHARED_KEY)


def test_a_ticket_of_another_server_is_a_full_handshake(retried, tickets):
    ours, other = (tickets(SCRIPT, groups="P-384") for _ in range(2))
    reused, hellos = retried((ours.port, other.port, other.port), "")
    assert reused == [False, False, True]
    for number, (first, second) in enumerate(hellos):
        assert_allowed(first, second, "P-384")
        assert (first.psks() is not None) == (number > 0)
