"""Sessions in the application's own hands."""

import pytest


def test_a_session_can_be_passed_on(run, server):
    s = server(version="1.2")
    got = run(
        """
ctx = client(sessions=False)
s = connect(ctx, PORT)
echo(s)
session = s.session
again = s.session
s.close()
result(same=session == again, reused=once(ctx, PORT, session=session))
""",
        PORT=s.port,
    )
    assert got == {"same": True, "reused": True}
    assert s.reused(2) == [False, True]


@pytest.mark.parametrize("tickets", (False, 2))
def test_a_session_survives_serialization(run, server, tickets):
    s = server(version="1.2", tickets=tickets)
    got = run(
        """
ctx = client(sessions=False)
s = connect(ctx, PORT)
echo(s)
session = s.session
s.close()
copy = tlsresume.SSLSession(session.serialize())
result(
    reused=once(ctx, PORT, session=copy), equal=copy == session, id=len(session.id),
    ticket=session.has_ticket, hint=session.ticket_lifetime_hint, timeout=session.timeout,
    recent=abs(session.time - time.time()) < 60)
""",
        PORT=s.port,
    )
    assert got["reused"] and got["equal"] and got["recent"]
    assert got["ticket"] == bool(tickets)
    assert got["id"] == (0 if tickets else 32)
    assert got["hint"] == (7200 if tickets else 0)
    assert got["timeout"] == (7200 if tickets else 300)


def test_before_the_handshake_and_after_the_close_there_is_no_session(run, server):
    s = server(version="1.2")
    got = run(
        """
ctx = client()
s = connect(ctx, PORT, do_handshake_on_connect=False)
before = [s.session, s.session_reused]
echo(s)
s.close()
result(before=before, after=[s.session, s.session_reused])
""",
        PORT=s.port,
    )
    assert got == {"before": [None, False], "after": [None, None]}


def test_a_ticket_that_the_server_declined_is_no_session(run, server, openssl):
    tickets, ids = server(version="1.2"), server(version="1.2", tickets=False)
    neither = openssl("-tls1_2", "-no_ticket", "-no_cache", "-rev")
    got = run(
        """
def session(port):
    "Offer a ticket; whether it was declined, what came instead, whether that resumes."
    ctx = client()
    once(ctx, TICKETS, server_port=1)
    s = connect(ctx, port, server_port=1)
    echo(s)
    session = s.session and [s.session.has_ticket, len(s.session.id), s.session.timeout]
    s.close()
    return ctx.session_stats()["declined"], session, once(ctx, IDS, server_port=1)
result(neither=session(NEITHER), ids=session(IDS))
""",
        TICKETS=tickets.port,
        IDS=ids.port,
        NEITHER=neither.port,
    )
    assert got["neither"] == [1, None, False]
    assert got["ids"] == [1, [False, 32, 300], True]


@pytest.mark.parametrize(
    "argument, error",
    [
        ("None", "TypeError"),
        ("1", "TypeError"),
        ("'text'", "TypeError"),
        ("b''", "ValueError"),
        ("b'x'", "ValueError"),
        ("bytes(100)", "ValueError"),
        ("good[:-1]", "ValueError"),
        ("good + b'x'", "ValueError"),
    ],
)
def test_what_is_no_session_is_refused(run, server, argument, error):
    s = server(version="1.2")
    got = run(
        """
s = connect(client(), PORT)
good = s.session.serialize()
try:
    tlsresume.SSLSession(eval(ARGUMENT))
    error = None
except Exception as e:
    error = type(e).__name__, str(e)
result(error=error)
""",
        PORT=s.port,
        ARGUMENT=argument,
    )
    assert got["error"][0] == error
    assert got["error"][1]


def test_every_truncation_of_a_session_is_refused(run, server):
    s = server(version="1.2")
    got = run(
        """
s = connect(client(), PORT)
good = s.session.serialize()
refused = 0
for n in range(len(good)):
    try:
        tlsresume.SSLSession(good[:n])
    except ValueError:
        refused += 1
result(refused=refused, of=len(good))
""",
        PORT=s.port,
    )
    assert got["refused"] == got["of"]


def test_a_session_id_that_is_longer_than_can_be_is_refused(run, server):
    s = server(version="1.2", tickets=False)
    got = run(
        """
s = connect(client(), PORT)
session = bytearray(s.session.serialize())
length = bytes(session).find(s.session.id) - 1
was = session[length]
session[length] = 33
try:
    tlsresume.SSLSession(session)
    refused = False
except ValueError:
    refused = True
result(was=was, refused=refused)
""",
        PORT=s.port,
    )
    assert got == {"was": 32, "refused": True}


def test_wrap_socket_wants_an_sslsession(run, server):
    s = server(version="1.2")
    got = run(
        """
try:
    connect(client(), PORT, session=b"bytes")
except TypeError as e:
    result(error=str(e))
""",
        PORT=s.port,
    )
    assert got["error"] == "session must be an SSLSession"


def test_no_secret_is_shown(run, server):
    s = server(version="1.2")
    got = run(
        """
ctx = client()
s = connect(ctx, PORT)
echo(s)
session = s.session
s.close()
from binascii import hexlify
secret = session.serialize()[-60:-20]
all = session, ctx, ctx.sessions, list(ctx.sessions), ctx.session_stats()
shown = "".join(str(x) + repr(x) for x in all)
result(found=str(secret)[2:-1] in shown or hexlify(secret).decode() in shown)
""",
        PORT=s.port,
    )
    assert got == {"found": False}
