"""A session is offered only by who could have earned it. Each test is an attack."""

import pytest

ATTACK = """
cache = tlsresume.SessionCache()
def context(ca=CA, mode=tls.CERT_REQUIRED, cert=None, ciphers=None, callback=None):
    ctx = tlsresume.SSLContext(tls.PROTOCOL_TLS_CLIENT, sessions=cache)
    ctx.verify_mode = mode
    if ca is not None:
        ctx.load_verify_locations(ca)
    if cert:
        ctx.load_cert_chain(cert + ".pem", cert + ".key")
    if ciphers:
        ctx.set_ciphers(ciphers)
    if callback:
        ctx.verify_callback = callback
    return ctx
"""


def attack(run, server, script, **variables):
    got = run(ATTACK + script, PORT=server.port, **variables)
    assert server.reused(len(got["reused"])) == got["reused"]
    return got["reused"]


def test_a_session_earned_unverified_is_not_offered_by_who_verifies(run, server):
    reused = attack(
        run,
        server(version="1.2"),
        """
naive = context(ca=None, mode=tls.CERT_NONE)
careful = context()
result(reused=[once(naive, PORT), once(naive, PORT), once(careful, PORT), once(careful, PORT)])
""",
    )
    assert reused == [False, True, False, True]


def test_a_context_that_becomes_careful_forgets_what_it_earned_before(run, server):
    reused = attack(
        run,
        server(version="1.2"),
        """
ctx = context(mode=tls.CERT_NONE)
first = once(ctx, PORT)
ctx.verify_mode = tls.CERT_REQUIRED
result(reused=[first, once(ctx, PORT)])
""",
    )
    assert reused == [False, False]


def test_a_forged_server_is_not_trusted_for_a_session_of_the_naive(run, server, certs):
    s = server(version="1.2")
    got = run(
        ATTACK
        + """
naive = context(ca=None, mode=tls.CERT_NONE)
once(naive, PORT)
careful = context(ca=OTHER)
try:
    once(careful, PORT)
    error = None
except ValueError as e:
    error = str(e)
result(error=error)
""",
        PORT=s.port,
        OTHER=certs.other_ca.der,
    )
    assert "not correctly signed" in got["error"]


def test_a_session_of_client_a_is_not_offered_by_b_nor_by_nobody(run, server, certs):
    s = server(version="1.2", client_ca=certs.ca.pem, client_cert="optional")
    reused = attack(
        run,
        s,
        """
a, b, nobody = context(cert=A), context(cert=B), context()
result(reused=[once(a, PORT), once(b, PORT), once(nobody, PORT), once(a, PORT), once(b, PORT)])
""",
        A=str(certs.a),
        B=str(certs.b),
    )
    assert reused == [False, False, False, True, True]
    assert [one["client"] for one in s.seen] == [
        "client-a",
        "client-b",
        None,
        "client-a",
        "client-b",
    ]


def test_another_list_of_ciphers_is_another_configuration(run, server):
    reused = attack(
        run,
        server(version="1.2"),
        """
any = context()
strict = context(ciphers=["TLS-ECDHE-ECDSA-WITH-AES-256-GCM-SHA384"])
result(reused=[once(any, PORT), once(strict, PORT), once(strict, PORT)])
""",
    )
    assert reused == [False, False, True]


def test_another_verify_callback_is_another_configuration(run, server):
    reused = attack(
        run,
        server(version="1.2"),
        """
def yes(cert, depth):
    return 0
def also(cert, depth):
    return 0
result(reused=[once(context(), PORT), once(context(callback=yes), PORT),
    once(context(callback=also), PORT), once(context(callback=yes), PORT)])
""",
    )
    assert reused == [False, False, False, True]


def test_contexts_of_one_configuration_share_the_cache_they_are_given(run, server):
    reused = attack(
        run,
        server(version="1.2"),
        "result(reused=[once(context(), PORT), once(context(), PORT)])",
    )
    assert reused == [False, True]


def test_contexts_do_not_share_a_cache_they_were_not_given(run, server):
    s = server(version="1.2")
    got = run("result(reused=[once(client(), PORT), once(client(), PORT)])", PORT=s.port)
    assert got["reused"] == s.reused(2) == [False, False]


def test_another_host_name_at_the_same_address_is_another_server(run, server):
    reused = attack(
        run,
        server(version="1.2"),
        """
ctx = context()
names = "localhost", "a.example", "b.example", "A.EXAMPLE", "localhost"
result(reused=[once(ctx, PORT, name) for name in names])
""",
    )
    assert reused == [False, False, False, True, True]


def test_another_port_of_the_same_host_is_another_server(run, server):
    one, two = server(version="1.2"), server(version="1.2")
    got = run(
        """
ctx = client()
result(reused=[once(ctx, ONE), once(ctx, TWO), once(ctx, ONE)], tags=list(ctx.sessions))
""",
        ONE=one.port,
        TWO=two.port,
    )
    assert got["reused"] == [False, False, True]
    assert got["tags"] == [f"default.localhost.{one.port}", f"default.localhost.{two.port}"]


def test_a_server_without_a_name_is_its_address(run, server):
    reused = attack(
        run,
        server(version="1.2"),
        """
ctx = context(ca=None, mode=tls.CERT_NONE)
result(reused=[once(ctx, PORT, None), once(ctx, PORT, None), once(ctx, PORT, "localhost")])
""",
    )
    assert reused == [False, True, False]


LATER = """
class Later:
    "A context as a later release of MicroPython, or a firmware with a secure element, has it."
    verify_mode = 2
    ecdsa_sign_callback = None
    def set_psk(self, psk):
        pass
ctx = client()
ctx._context = Later()
seen = [ctx.fingerprint()]
def changed():
    seen.append(ctx.fingerprint())
    return seen[-1] not in seen[:-1]
"""


def test_another_key_elsewhere_is_another_configuration(run):
    got = run(
        LATER
        + """
def sign(key, digest):
    return b""
ctx.ecdsa_sign_callback = sign
result(changed=changed(), passed_on=ctx._context.ecdsa_sign_callback is sign)
"""
    )
    assert got == {"changed": True, "passed_on": True}


def test_what_a_later_release_adds_is_another_configuration_each_time(run):
    got = run(
        LATER
        + """
ctx.set_psk(b"one")
first = changed()
ctx.set_psk(b"two")
result(first=first, second=changed())
"""
    )
    assert got == {"first": True, "second": True}


@pytest.mark.parametrize("version", ("1.2", "1.3"))
def test_what_renews_a_session_that_was_brought_along_is_kept_as_long_as_its_proof(
    run, server, version
):
    s = server(version=version)
    got = run(
        """
ctx = client()
s = connect(ctx, PORT)
echo(s)
session = s.session
s.close()
session._until -= 100
other = client()
reused = once(other, PORT, session=session)
len(other.sessions)
proof = [x[4] + x[6] for x in other.sessions.sessions()]
result(reused=reused, proof=proof, next=once(other, PORT))
""",
        PORT=s.port,
    )
    assert got["reused"]
    assert got["next"] is (version == "1.3")  # in TLS 1.2 a ticket is not renewed
    assert all(proof <= 7 * 86400 - 100 for proof in got["proof"])


def test_what_a_change_between_wrap_and_handshake_let_in_is_not_kept(run, server, certs):
    s = server(version="1.2")
    got = run(
        """
ctx = tlsresume.SSLContext(tls.PROTOCOL_TLS_CLIENT)
ctx.load_verify_locations(OTHER)
s = connect(ctx, PORT, do_handshake_on_connect=False)
ctx.verify_mode = tls.CERT_NONE
echo(s)
s.close()
ctx.verify_mode = tls.CERT_REQUIRED
try:
    r = once(ctx, PORT)
except ValueError:
    r = "refused"
result(r=r)
""",
        PORT=s.port,
        OTHER=certs.other_ca.der,
    )
    assert got["r"] == "refused"


def test_what_was_earned_before_a_change_is_kept_and_to_set_the_same_is_none(run, server):
    s = server(version="1.2")
    got = run(
        """
ctx = client()
once(ctx, PORT)
ctx.verify_mode = tls.CERT_NONE
ctx.verify_mode = tls.CERT_REQUIRED
before = once(ctx, PORT)
s = connect(ctx, PORT)
ctx.verify_mode = tls.CERT_REQUIRED
s.close()
result(r=[before, once(ctx, PORT)], looked=dir(ctx) and once(ctx, PORT))
""",
        PORT=s.port,
    )
    assert got == {"r": [True, True], "looked": True}


def test_an_empty_name_is_none(run, server):
    s = server(version="1.2")
    got = run(
        """
ctx = client()
ctx.verify_mode = tls.CERT_NONE
once(ctx, PORT, name="")
result(tags=list(ctx.sessions))
""",
        PORT=s.port,
    )
    assert got["tags"] == [f"default.IP.7f000001.{s.port}"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_name_of_bytes_that_are_no_text_fails_as_upstreams(run, server):
    got = run(
        """
ctx = client()
errors = []
for c in (ctx, ctx._context):
    s = socket.socket()
    s.connect(socket.getaddrinfo(HOST, PORT)[0][-1])
    try:
        c.wrap_socket(s, server_hostname=b"\\xff\\xfe")
    except Exception as e:
        errors.append(repr(e))
result(errors=errors)
""",
        PORT=server(version="1.2").port,
    )
    ours, upstreams = got["errors"]
    assert ours == upstreams and "OSError" in ours
