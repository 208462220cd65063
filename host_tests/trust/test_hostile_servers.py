"""Servers that lie. What they say is refused, and nothing of it is kept."""

import itertools

import pytest
from tlslite.messages import Finished, ServerHello
from tlslite.session import Session

# Mbed TLS's errors.
UNEXPECTED_MESSAGE = -0x7700
BAD_PROTOCOL_VERSION = -0x6E80
HANDSHAKE_FAILURE = -0x6E00
INVALID_RECORD = -0x7100

ATTEMPT = """
def attempt(ctx):
    "Connect and talk: whether it was resumed, or what was raised."
    try:
        return once(ctx, PORT)
    except (OSError, ValueError) as e:
        return e.args[0]
ctx = client()
"""

THRICE = (
    ATTEMPT
    + """
first = attempt(ctx)
kept = len(ctx.sessions)
lied_to = attempt(ctx)
result(first=first, kept=kept, lied_to=lied_to, left=len(ctx.sessions), then=attempt(ctx))
"""
)


def another_cipher(message, hello):
    if isinstance(message, ServerHello):
        message.cipher_suite = next(
            x for x in (0xC02B, 0xC02C) if x != message.cipher_suite
        )  # ECDHE-ECDSA with AES-128 or AES-256


def another_version(message, hello):
    if isinstance(message, ServerHello):
        message.server_version = (3, 2)


def a_wrong_finished(message, hello):
    if isinstance(message, Finished):
        message.verify_data[0] ^= 1


def in_second_place(lie):
    """The server is honest but in its second connection."""
    return lambda number, message, hello: number == 1 and lie(message, hello)


@pytest.mark.parametrize(
    "lie, error",
    [
        (another_cipher, UNEXPECTED_MESSAGE),
        (another_version, BAD_PROTOCOL_VERSION),
        (a_wrong_finished, HANDSHAKE_FAILURE),
    ],
)
def test_who_resumes_and_lies_is_refused_and_forgotten(run, hostile, lie, error):
    got = run(THRICE, PORT=hostile(lie=in_second_place(lie)).port)
    assert got == {"first": False, "kept": 1, "lied_to": error, "left": 0, "then": False}


def test_who_resumes_and_shows_a_certificate_is_refused_and_forgotten(run, hostile, certs):
    got = run(THRICE, PORT=changing_certificates(hostile, certs, echoes=True).port)
    assert got["first"] is got["then"] is False and got["kept"] == 1
    assert got["lied_to"] == UNEXPECTED_MESSAGE
    assert got["left"] == 0


def test_who_declines_and_shows_another_certificate_is_refused_and_forgotten(run, hostile, certs):
    got = run(THRICE, PORT=changing_certificates(hostile, certs, echoes=False).port)
    assert got["first"] is got["then"] is False and got["kept"] == 1
    assert "not correctly signed" in got["lied_to"]
    assert got["left"] == 0


def changing_certificates(hostile, certs, echoes):
    """A server that resumes nothing, gives session IDs, and is somebody else in its second
    connection; there it `echoes` the session ID that it is offered."""

    def give_an_id(number, message, hello):
        if isinstance(message, ServerHello):
            offered = echoes and number == 1
            message.session_id = hello.session_id if offered else bytes([number] * 32)

    foreign = certs.other_ca.issue("server", server=True)
    certificates = [certs.server, foreign, certs.server]
    return hostile(lie=give_an_id, sessions=False, certificates=certificates)


class Pretender:
    """Has a session for whatever ID it is asked for."""

    def __getitem__(self, session_id):
        session = Session()
        session.create(
            masterSecret=bytearray(48),
            sessionID=session_id,
            cipherSuite=0xC02C,
            srpUsername=None,
            clientCertChain=None,
            serverCertChain=None,
            tackExt=None,
            tackInHelloExt=False,
            serverName="localhost",
            extendedMasterSecret=True,  # or an honest server would decline (RFC 7627 5.3)
        )
        return session

    def __setitem__(self, session_id, session):
        pass


def test_a_session_id_that_was_never_issued_is_not_resumed(run, hostile):
    got = run(
        ATTEMPT + "result(attempt=attempt(ctx), left=len(ctx.sessions))",
        PORT=hostile(sessions=Pretender()).port,
    )
    assert got == {"attempt": UNEXPECTED_MESSAGE, "left": 0}


def ticket(number=0, lifetime=300, length=32, nonce=1):
    """A NewSessionTicket of TLS 1.3."""
    return lifetime, bytes([number]) * nonce, bytes([number]) * length


TALK = """
def talk(ctx):
    s = connect(ctx, PORT, do_handshake_on_connect=FIRST is None)
    if FIRST == "read":
        s.setblocking(False)
        for _ in range(20):
            s.read(1)
            time.sleep_ms(10)
        s.setblocking(True)
    try:
        return [echo(s) == b"hello\\n", echo(s) == b"hello\\n"]
    except OSError as e:
        return e.args[0]
    finally:
        s.close()
ctx = client()
plain = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
plain.load_verify_locations(CA)
result(ours=talk(ctx), theirs=talk(plain), kept=sum(1 for _ in ctx.sessions.sessions()))
"""


@pytest.mark.parametrize(
    "sent, kept",
    [
        ([ticket(length=0)] * 3, 0),
        ([ticket(), ticket(length=0), ticket(1)], 2),
        ([ticket(length=16000)] * 3, 0),
        ([ticket(lifetime=0), ticket(1)], 1),
        ([ticket(1), ticket(lifetime=604801)], 1),
        ([ticket(1), ticket(nonce=255)], 1),
        ([ticket(i) for i in range(200)], 8),
    ],
    ids=(
        "empty",
        "one empty",
        "too large to keep",
        "of no lifetime",
        "over 7 days",
        "long nonce",
        "flood",
    ),
)
@pytest.mark.parametrize("first", ("write", "read"))
def test_odd_tickets_disturb_nobody_who_reads(run, hostile, sent, kept, first):
    s = hostile(version="1.3", tickets=lambda number: sent)
    got = run(TALK, PORT=s.port, FIRST=first)
    assert got == {"ours": [True] * 2, "theirs": [True] * 2, "kept": kept}


def test_a_duplicate_ticket_disturbs_nobody_who_reads(run, hostile):
    s = hostile(version="1.3", tickets=lambda number: [ticket()] * 3)
    got = run(TALK, PORT=s.port, FIRST=None)
    assert got["ours"] == got["theirs"] == [True] * 2
    assert 1 <= got["kept"] <= 3  # the same, but for the millisecond in which each came


def test_the_ticket_that_was_offered_may_come_back(run, hostile):
    s = hostile(version="1.3", tickets=lambda number: [ticket()])
    got = run(
        ATTEMPT
        + "result(attempts=[attempt(ctx), attempt(ctx)], offered=ctx.session_stats()['offered'])",
        PORT=s.port,
    )
    assert got == {"attempts": [False, False], "offered": 1}


def test_a_ticket_of_the_greatest_length_ends_a_connection_as_upstreams(run, hostile):
    s = hostile(version="1.3", tickets=lambda number: [ticket(length=65535)])
    assert run(TALK, PORT=s.port, FIRST=None) == {
        "ours": INVALID_RECORD,
        "theirs": INVALID_RECORD,
        "kept": 0,
    }


def test_a_ticket_that_is_too_large_to_keep_does_not_wait_to_be_taken(run, hostile):
    s = hostile(version="1.3", tickets=lambda number: [ticket(length=16000)] * 4)
    got = run(
        """
import _tlsresume
ctx = client()
s = connect(ctx, PORT)
echo(s)
_tlsresume.take(0)  # the outcome
result(waiting=_tlsresume.due(1 << 20))  # nothing in reach: that long
""",
        PORT=s.port,
    )
    assert got["waiting"] > 0


def test_a_never_ending_flood_of_tickets_holds_up_neither_poll_nor_close(run, hostile):
    endless = (ticket(i % 256) for i in itertools.count())
    s = hostile(version="1.3", tickets=lambda number: endless)
    got = run(
        """
tlsresume.harvest.DELAY = 0
ctx = client()
s = connect(ctx, PORT)
tlsresume.poll()
s.close()
result(entries=len(ctx.sessions), bytes=sum(len(x[3]) for x in ctx.sessions.sessions()))
""",
        PORT=s.port,
    )
    assert got["entries"] <= 1
    assert got["bytes"] <= 2048


def test_a_ticket_of_tls_13_is_in_no_extension_of_tls_12(run, hostile):
    hellos = []
    s = hostile(
        version="1.3",
        lie=lambda number, message, hello: hellos.append(hello),
        tickets=lambda number: [ticket()],
    )
    run("ctx = client()\nonce(ctx, PORT)\nonce(ctx, PORT)\nresult()", PORT=s.port)
    session_ticket, pre_shared_key = 35, 41
    offered = [hello for hello in hellos if hello.getExtension(pre_shared_key)]
    assert offered and not any(hello.getExtension(session_ticket) for hello in offered)
