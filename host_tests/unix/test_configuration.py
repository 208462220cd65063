"""A context that is told something in the middle of something else: no session that was earned
from whoever it was is offered by who trusts a CA. The server is an impostor, whose CA nobody
trusts; a callback of `micropython.schedule`, or a thread, is what interrupts."""

import pytest

CONTEXTS = """
import micropython
cache = tlsresume.SessionCache()
def context(mode):
    ctx = tlsresume.SSLContext(tls.PROTOCOL_TLS_CLIENT, sessions=cache)
    ctx.load_verify_locations(CA)
    ctx.verify_mode = mode
    return ctx
LAX, STRICT = tls.CERT_NONE, tls.CERT_REQUIRED
lax_fingerprint = context(LAX).fingerprint()
strict_fingerprint = context(STRICT).fingerprint()
def harden(_):
    ctx.verify_mode = STRICT
def soften(_):
    ctx.verify_mode = LAX
def connects(ctx):
    "How often out of three times it talks to the impostor, and is told to have resumed."
    times = reused = 0
    for _ in range(3):
        try:
            reused += once(ctx, PORT)
            times += 1
        except ValueError:
            pass
    return [times, reused]
"""


@pytest.fixture
def impostor(server, certs):
    return lambda version="1.2": server(
        certificate=certs.other_ca.issue("server", server=True), version=version
    )


@pytest.mark.parametrize("where", ("update", "digest", "new"))
def test_a_context_that_is_made_stricter_while_it_is_hashed_is_the_strict_one(
    run, impostor, where
):
    got = run(
        CONTEXTS
        + """
from tlsresume import config
real = config.sha256
class Interrupted:
    def __init__(self, data=b""):
        self.hash = real(data)
        if WHERE == "new": micropython.schedule(harden, 0)
    def update(self, data):
        self.hash.update(data)
        if WHERE == "update": micropython.schedule(harden, 0)
    def digest(self):
        if WHERE == "digest": micropython.schedule(harden, 0)
        return self.hash.digest()
connects(context(LAX))
ctx = context(LAX)
config.sha256 = Interrupted
ctx.fingerprint()
config.sha256 = real
result(hardened=ctx.verify_mode == STRICT, its_own=ctx.fingerprint() == strict_fingerprint,
    connects=connects(ctx), lax=connects(context(LAX)))
""",
        PORT=impostor().port,
        WHERE=where,
    )
    assert got == {"hardened": True, "its_own": True, "connects": [0, 0], "lax": [3, 3]}


def test_whenever_it_is_made_stricter_it_is_not_taken_for_the_lax_one(run):
    got = run(
        CONTEXTS
        + """
import _thread
pause, stop = [0], []
def interrupt():
    "Some time after it was asked, by a thread of its own: at any place of fingerprint()."
    while not stop:
        if pause[0] > 0:
            for _ in range(pause[0] - 1):
                pass
            pause[0] = 0
            micropython.schedule(harden, 0)
    stop.append(0)
_thread.start_new_thread(interrupt, ())
wrong = 0
for n in range(600):
    ctx = context(LAX)
    pause[0] = 1 + n % 60
    ctx.fingerprint()
    while ctx.verify_mode != STRICT:
        pass
    wrong += ctx.fingerprint() != strict_fingerprint
stop.append(0)
while len(stop) < 2:
    pass
result(wrong=wrong)
""",
        heap="8M",
    )
    assert got == {"wrong": 0}


@pytest.mark.parametrize("version", ("1.2", "1.3"))
@pytest.mark.parametrize("when", ("looked up", "wrapped", "handshake"))
def test_what_a_connection_earns_is_not_the_stricter_ones(run, impostor, version, when):
    """It has begun as a lax one, and is one to its end; what it earns belongs to nobody."""
    got = run(
        CONTEXTS
        + """
def now():
    "Interrupt here, once."
    if ctx.verify_mode != STRICT:
        micropython.schedule(harden, 0)
        for _ in range(2):
            pass
ctx = context(LAX)
once(ctx, PORT)
if WHEN == "looked up":
    pull = cache.pull
    cache.pull = lambda: (now(), pull())
elif WHEN == "wrapped":
    real = tlsresume.context._set_nodelay
    tlsresume.context._set_nodelay = lambda sock: (now(), real(sock))
s = connect(ctx, PORT, do_handshake_on_connect=False)
if WHEN == "handshake":
    now()
try:
    echo(s)
except ValueError:
    pass
s.close()
tlsresume.poll()
result(hardened=ctx.verify_mode == STRICT, same=connects(ctx), born=connects(context(STRICT)),
    lax=connects(context(LAX))[0])
""",
        PORT=impostor(version).port,
        WHEN=when,
    )
    assert got == {"hardened": True, "same": [0, 0], "born": [0, 0], "lax": 3}


@pytest.mark.parametrize("change", ("a CA", "ciphers", "a callback"))
@pytest.mark.parametrize("where", ("while it is hashed", "before it is told"))
def test_a_change_within_a_change_is_not_forgotten(run, impostor, change, where):
    """A context that becomes lax while it is told something else is no strict one."""
    got = run(
        CONTEXTS
        + """
from tlsresume import config, harvest
armed = []
def interrupted(function):
    def then(*args):
        value = function(*args)
        if armed:
            armed.pop()
            micropython.schedule(soften, 0)
            for _ in range(2):
                pass
        return value
    return then
def callback(cert, depth):
    return 0
def change(ctx):
    if CHANGE == "a CA":
        ctx.load_verify_locations(CA)
    elif CHANGE == "ciphers":
        ctx.set_ciphers(ctx.get_ciphers()[:40])
    else:
        ctx.verify_callback = callback
real = config._token, harvest.poll
if WHERE == "while it is hashed":
    config._token = interrupted(config._token)
else:
    harvest.poll = interrupted(harvest.poll)
ctx = context(STRICT)
armed.append(0)
change(ctx)
config._token, harvest.poll = real
strict = context(STRICT)
change(strict)
result(lax=ctx.verify_mode == LAX, earned=connects(ctx)[0], strict=connects(strict))
""",
        PORT=impostor().port,
        CHANGE=change,
        WHERE=where,
    )
    assert got == {"lax": True, "earned": 3, "strict": [0, 0]}
