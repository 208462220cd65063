"""What a ClientHello promises: key exchange modes, versions, and the extended master secret."""

import pytest
from client_hello import EXTENDED_MASTER_SECRET

TLS12, TLS13, PSK_DHE_KE = 0x0303, 0x0304, 1


ONCE = """
ctx = client()
ctx.set_ciphers([name for name in ctx.get_ciphers() if CIPHERS in name])
result(reused=[once(ctx, PORT) for _ in range(3)])
"""


@pytest.mark.parametrize(
    "version, offers", (("1.2", [True, False, False]), ("1.3", [True] * 3), (None, [True] * 3))
)
def test_psk_ke_is_never_offered(run, server, record, version, offers):
    """RFC 8446 4.2.9: it resumes without forward secrecy."""
    proxy = record(server(version=version).port)
    got = run(ONCE, PORT=proxy.port, CIPHERS="")
    assert got["reused"] == [False, True, True]
    hellos = [hello for (hello,) in proxy.hellos(3)]
    # A session of TLS 1.2 is offered with its own version alone.
    assert [TLS13 in (hello.versions() or []) for hello in hellos] == offers
    assert [hello.modes() for hello in hellos if hello.modes()] == [[PSK_DHE_KE]] * sum(offers)


@pytest.mark.parametrize(
    "mode, steps", (("psk_dhe_ke", [False, True, True]), ("psk_ke", [False, "refused", False]))
)
def test_a_server_that_resumes_by_psk_ke_alone_is_not_resumed(run, hostile, mode, steps):
    """tlslite-ng takes such an offer for a mistake, and ends the handshake."""
    got = run(
        """
ctx = client()
def step():
    try:
        return once(ctx, PORT)
    except OSError:
        return "refused"
result(steps=[step() for _ in range(3)])
""",
        PORT=hostile(version="1.3", psk_modes=[mode]).port,
    )
    assert got["steps"] == steps


@pytest.mark.parametrize("tickets", (2, False), ids=("tickets", "IDs"))
@pytest.mark.parametrize("build", ("micropython", "micropython_tls12"))
def test_each_hello_for_tls_12_has_the_extended_master_secret(
    run, server, record, request, build, tickets
):
    """RFC 7627 5.1 and 5.3: in a resumption, too."""
    proxy = record(server(version="1.2", tickets=tickets).port)
    got = run(ONCE, PORT=proxy.port, CIPHERS="", firmware=request.getfixturevalue(build))
    assert got["reused"] == [False, True, True]
    assert [hello.get(EXTENDED_MASTER_SECRET) for (hello,) in proxy.hellos(3)] == [b""] * 3


@pytest.mark.parametrize("ciphers, version", (("TLS-ECDHE", TLS12), ("TLS1-3", TLS13)))
def test_the_ciphers_of_one_version_resume_with_a_server_of_both(
    run, server, record, ciphers, version
):
    """A version without a cipher suite is a promise that cannot be kept."""
    s = server()
    proxy = record(s.port)
    got = run(ONCE, PORT=proxy.port, CIPHERS=ciphers)
    assert got["reused"] == [False, True, True] == s.reused(3)
    assert {one["version"] for one in s.wait(3)} == {"TLSv1.2" if version == TLS12 else "TLSv1.3"}
    hellos = [hello for (hello,) in proxy.hellos(3)]
    assert [TLS13 in (hello.versions() or []) for hello in hellos] == [version == TLS13] * 3


def test_a_context_that_gets_its_ciphers_back_offers_tls_13_again(run, server, record):
    s = server()
    proxy = record(s.port)
    run(
        """
ctx = client(sessions=False)
every = ctx.get_ciphers()
for ciphers in ([name for name in every if "TLS-ECDHE" in name], every):
    ctx.set_ciphers(ciphers)
    once(ctx, PORT)
result()
""",
        PORT=proxy.port,
    )
    offered = [TLS13 in (hello.versions() or []) for (hello,) in proxy.hellos(2)]
    assert offered == [False, True]
    assert [one["version"] for one in s.wait(2)] == ["TLSv1.2", "TLSv1.3"]
