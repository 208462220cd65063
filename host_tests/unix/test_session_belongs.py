"""A session belongs to the server and to the configuration that it was earned with, also in the
application's hands."""

import pytest

versions = pytest.mark.parametrize("version", ("1.2", "1.3"))

SESSION = """
def lax(**kwargs):
    ctx = tlsresume.SSLContext(tls.PROTOCOL_TLS_CLIENT, **kwargs)
    ctx.verify_mode = tls.CERT_NONE
    return ctx
def session_of(ctx, name="localhost", **kwargs):
    s = connect(ctx, PORT, name, **kwargs)
    assert echo(s) == b"hello\\n"
    session = s.session
    s.close()
    return session
def error(function, *args, **kwargs):
    try:
        return ["none", str(function(*args, **kwargs))]
    except Exception as e:
        return [type(e).__name__, str(e)]
"""


@versions
@pytest.mark.parametrize("setter", (False, True))
@pytest.mark.parametrize("serialized", (False, True))
def test_a_session_of_another_configuration_or_server_is_refused(
    run, server, certs, version, setter, serialized
):
    """It was earned from an impostor, by who trusts anybody."""
    impostor = server(certificate=certs.other_ca.issue("server", server=True), version=version)
    got = run(
        SESSION
        + """
session = session_of(lax(), "a.example")
if SERIALIZED:
    session = tlsresume.SSLSession(session.serialize())
def offer(ctx, name):
    if not SETTER:
        return once(ctx, PORT, name, session=session)
    s = connect(ctx, PORT, name, do_handshake_on_connect=False)
    try:
        s.session = session
        echo(s)
        return s.session_reused
    finally:
        s.close()
changed = lax()
changed.load_verify_locations(CA)
back = lax()
back.verify_mode = tls.CERT_REQUIRED
back.verify_mode = tls.CERT_NONE
result(strict=error(offer, client(), "a.example"), name=error(offer, lax(), "b.example"),
    nobody=error(offer, lax(), None), changed=error(offer, changed, "a.example"),
    own=error(offer, lax(), "a.example"), back=error(offer, back, "A.example"))
""",
        PORT=impostor.port,
        SETTER=setter,
        SERIALIZED=serialized,
    )
    configuration = "session was earned under another configuration of the context"
    assert got["strict"] == got["changed"] == ["ValueError", configuration]
    assert (
        got["name"] == got["nobody"] == ["ValueError", "session is of another server: a.example"]
    )
    assert got["own"] == got["back"] == ["none", "True"]


@versions
def test_a_socket_that_was_refused_a_session_is_as_good_as_before(run, server, version):
    s = server(version=version)
    got = run(
        SESSION
        + """
foreign = session_of(lax())
ctx = client()
first = once(ctx, PORT)
s = connect(ctx, PORT, do_handshake_on_connect=False)
refused = error(setattr, s, "session", foreign)[0]
wrong = [error(setattr, s, "session", what)[0] for what in (None, b"session", 1, ctx)]
got = echo(s).decode(), s.session_reused
s.close()
result(refused=refused, wrong=wrong, got=got, first=first)
""",
        PORT=s.port,
    )
    assert got["refused"] == "ValueError" and got["wrong"] == ["TypeError"] * 4
    assert got["got"] == ["hello\n", True], "what the cache has was offered"


@versions
def test_a_session_is_set_before_the_handshake_and_not_later(run, server, version):
    s = server(version=version)
    got = run(
        SESSION
        + """
ctx = client(sessions=False)
session = session_of(ctx)
s = connect(ctx, PORT, do_handshake_on_connect=False)
s.session = session
echo(s)
reused = s.session_reused
later = error(setattr, s, "session", session)
s.close()
closed = error(setattr, s, "session", session)
native = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
native.load_verify_locations(CA)
result(reused=reused, later=later, closed=closed,
    unknown=error(setattr, connect(ctx, PORT), "sesion", session)[0],
    deleted=error(delattr, connect(ctx, PORT), "session")[0],
    native=error(setattr, connect(native, PORT), "session", session)[0])
""",
        PORT=s.port,
    )
    late = ["ValueError", "session is set before the handshake"]
    assert got["reused"] is True and got["later"] == got["closed"] == late
    assert got["unknown"] == got["deleted"] == got["native"] == "AttributeError"


@versions
def test_what_is_set_takes_the_place_of_what_the_cache_offers(run, server, version):
    s = server(version=version)
    got = run(
        SESSION
        + """
ctx = client()
mine = session_of(client(sessions=False))
once(ctx, PORT)
def with_mine():
    s = connect(ctx, PORT, do_handshake_on_connect=False)
    s.session = mine
    s.session = mine
    echo(s)
    reused = s.session_reused
    s.close()
    return reused
result(reused=[with_mine(), once(ctx, PORT)])
""",
        PORT=s.port,
    )
    assert got["reused"] == [True, True] == s.reused(4)[2:]


@versions
def test_the_bytes_of_a_session_are_one_again(run, server, version):
    s = server(version=version)
    got = run(
        SESSION
        + """
ctx = client(sessions=False)
session = session_of(ctx)
def same(one, other):
    "Its age is in it: at the third try no second begins between the two."
    return any(one(session) == other(session) for _ in range(3))
data = bytes(session)
copy = tlsresume.SSLSession(data)
again = tlsresume.SSLSession(bytearray(data)), tlsresume.SSLSession(memoryview(data))
result(
    equal=[copy == session, session == copy, again[0] == again[1] == copy,
        session != session_of(ctx)],
    type=[type(data) is bytes, same(bytes, tlsresume.SSLSession.serialize),
        same(lambda s: list(bytes(s)), list)],
    fields=[copy.id == session.id, copy.time == session.time, copy.timeout == session.timeout,
        copy.has_ticket, copy.ticket_lifetime_hint == session.ticket_lifetime_hint],
    reused=once(ctx, PORT, session=copy), other=session == data)
""",
        PORT=s.port,
    )
    assert got == {
        "equal": [True] * 4,
        "type": [True] * 3,
        "fields": [True] * 5,
        "reused": True,
        "other": False,
    }


@pytest.mark.parametrize(
    "what, error",
    [
        ("None", "TypeError"),
        ("7", "TypeError"),
        ("'text'", "TypeError"),
        ("[1, 2]", "TypeError"),
        ("b''", "ValueError"),
        ("bytes(300)", "ValueError"),
        ("data[1:]", "ValueError"),
        ("data + b'x'", "ValueError"),
        ("bytes(reversed(data))", "ValueError"),
        ("snapshot.dump(tlsresume.SessionCache(''))", "ValueError"),
        ("snapshot.dump(refused)", "ValueError"),
        ("snapshot.dump(two)", "ValueError"),
        ("snapshot.dump(named)", "ValueError"),
    ],
)
def test_what_is_no_session_is_none(run, server, what, error):
    s = server(version="1.2")
    got = run(
        SESSION
        + """
from tlsresume import snapshot
data = bytes(session_of(client()))
refused = tlsresume.SessionCache("")
refused.refuse("localhost", PORT, bytes(32))
two = tlsresume.SessionCache("")
ctx = client(sessions=two)
once(ctx, PORT), once(ctx, PORT, "a.example")
named = tlsresume.SessionCache("named")
once(client(sessions=named), PORT)
result(error=error(tlsresume.SSLSession, eval(WHAT)))
""",
        PORT=s.port,
        WHAT=what,
    )
    assert got["error"][0] == error and got["error"][1]


def test_one_session_of_a_cache_without_a_name_is_a_session(run, server):
    """So that what `snapshot.dump` writes of one host can be loaded by hand."""
    s = server(version="1.2")
    got = run(
        SESSION
        + """
from tlsresume import snapshot
ctx = client(sessions=tlsresume.SessionCache(""))
once(ctx, PORT)
session = tlsresume.SSLSession(snapshot.dump(ctx.sessions))
result(reused=once(client(), PORT, session=session))
""",
        PORT=s.port,
    )
    assert got == {"reused": True}


def test_a_session_of_a_callback_is_offered_and_not_stored(run, server):
    s = server(version="1.2")
    got = run(
        SESSION
        + """
def verify(cert, depth):
    return 0
def context(callback):
    ctx = client(sessions=False)
    ctx.verify_callback = callback
    return ctx
ctx = context(verify)
session = session_of(ctx)
result(same=once(context(verify), PORT, session=session), stored=error(session.serialize)[0],
    iterated=error(bytes, session)[0],
    other=error(once, context(lambda cert, depth: 0), PORT, session=session)[0])
""",
        PORT=s.port,
    )
    assert got == {
        "same": True,
        "stored": "ValueError",
        "iterated": "ValueError",
        "other": "ValueError",
    }


@versions
def test_a_session_whose_servers_proof_is_too_old_is_a_full_handshake(run, server, version):
    s = server(version=version)
    got = run(
        SESSION
        + """
from tlsresume import session as module
class Later:
    def __init__(self, clock):
        self.clock, self.seconds = clock, 0
    def now(self):
        return self.clock.now() + self.seconds
later = module.clock = Later(module.clock)
ctx = client(sessions=False)
def at(seconds):
    later.seconds = 0
    session = session_of(ctx)
    later.seconds = seconds
    return once(ctx, PORT, session=session)
result(reused=[at(0), at(7100), at(7300)])
""",
        PORT=s.port,
    )
    # OpenSSL's tickets live two hours.
    assert got["reused"] == [True, True, False]


def test_a_proof_is_as_old_by_whatever_clock_a_cache_goes(run, server):
    s = server(version="1.2", tickets=False)
    got = run(
        SESSION
        + """
from tlsresume import snapshot
from tlsresume.clock import clock
class Clock:
    def __init__(self, days):
        self.ahead = days * 86400
    def now(self):
        return clock.now() + self.ahead
def near(a, b):
    return 0 <= a - b <= 60
def right(days):
    cache = tlsresume.SessionCache(clock=Clock(days))
    ctx = client(sessions=cache)
    fingerprint, host, _, _, age, _, proof, _ = snapshot.decode(bytes(session_of(ctx)), b"")[0]
    owner = cache, host, PORT, ctx._configuration
    _, _, _, _, made, until, _ = tlsresume.SSLSession._offered(session, owner)[0]
    return [near(age, 0), near(86400, proof), near(cache.now(), made),
        near(cache.now() + 86400, until)]
session = session_of(client())
result(right=[right(days) for days in (-7, 0, 30)])
""",
        PORT=s.port,
    )
    assert got["right"] == [[True] * 4] * 3


def test_what_does_not_load_costs_the_cache_nothing_of_its_own(run, server):
    got = run(
        """
ctx = client()
s = connect(ctx, PORT)
echo(s)
session = s.session
s.close()
session._packed = b"damaged"
len(ctx.sessions)
s = connect(ctx, PORT, session=session, do_handshake_on_connect=False)
kept = ctx.sessions.get("localhost", PORT, ctx.fingerprint()) is not None
result(kept=kept, works=echo(s) == b"hello\\n", rejected=ctx.session_stats()["rejected"])
""",
        PORT=server(version="1.2", tickets=False).port,
    )
    assert got == {"kept": True, "works": True, "rejected": 1}
