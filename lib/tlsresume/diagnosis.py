"""report(): why is it not resuming?"""

from . import __version__, harvest, shim
from .cache import NoSessions, SessionCache
from .entry import SKIP

_WHY = {
    "empty": "there was no session: the first connection, or one that was not closed and not "
    "polled yet, or a server that gives none, or none of at most 2048 bytes",
    "expired": "the session had expired here: see timeout=, and the server's ticket lifetime hint",
    "configuration": "there is a session, earned under another security configuration: verify "
    "mode, CAs, own certificate, ciphers or verify callback differ",
    "refused": "handshakes in which a session was offered have failed: none is offered until one "
    "without has succeeded, and for a while",
    "busy": "a scheduled callback connected in the middle of another connection's look-up",
    "declined": "the server declined: restarted, another node or ticket key behind the same "
    "name, its session cache full or off, or expired there",
}

_USE = """tlsresume %s. There is no cache to report on:
  tlsresume.install()                  from here on ssl and tls resume
  ctx = tlsresume.SSLContext(tls.PROTOCOL_TLS_CLIENT)
  tlsresume.report(ctx)                why is it not resuming?"""

_NOT_OURS = """%s does not resume: it has no cache. It was made by tls itself:
  tlsresume.install()                  before the program makes its contexts; or
  ctx = tlsresume.SSLContext(tls.PROTOCOL_TLS_CLIENT)"""

_SERVER = {
    "foreign": "of another key or configuration, or changed: see ticket_key=",
    "timeouts": "older than ticket_lifetime=",
    "unproven": "of clients whose last full handshake is too long ago, or whose certificate ended",
    "unusable": "for want of memory, or since Mbed TLS could not use them",
}

_OFF = "the cache is off: the context was made with sessions=False, and nothing resumes"

_NONE_KEPT = (
    "%d handshakes, and the servers gave no session: they keep none and send no tickets; or, with "
    "TLS 1.3, the connections were closed before the ticket was read",
    "%d handshakes, and no session yet: an open connection's is kept at its close, or after 500 "
    "ms if asyncio runs, or use_timer() was told a timer, or poll() is called",
)


def report(of=None):
    """Print what a SessionCache, or the one of an SSLContext, holds and why it last missed; of a
    server's SSLContext, what became of its tickets.

    Without an argument, of the cache that install() shares; where there is none, what to do.
    No secret is printed.
    """
    if harvest.obstacle:
        print(harvest.obstacle)
        return
    if not hasattr(of, "sessions"):
        of = getattr(of, "_context", of)  # micropython-lib's ssl has ours within its own
    tickets = getattr(of, "_tickets", None)
    if tickets is not None:
        _report_tickets(tickets.counted())
        return
    cache = shim._cache if of is None else of
    if not isinstance(cache, SessionCache):
        cache = getattr(of, "sessions", None)
    if cache is None:
        print(_USE % __version__ if of is None else _NOT_OURS % type(of))
    elif isinstance(cache, NoSessions):
        print(_OFF)
    else:
        _report(cache)


def _report_tickets(counted):
    if not counted:
        print(_OFF)
        return
    print(
        "server: %(accept)d connections began, %(accept_good)d went through: %(hits)d resumed, "
        "%(full)d brought no ticket, %(declined)d brought one that was declined" % counted
    )
    for name, why in _SERVER.items():
        if counted[name]:
            print("  declined: %d %s" % (counted[name], why))


def _report(cache):
    waiting = harvest.poll() is not None
    c = cache.counted
    print(
        "cache %s: %d of %d entries, %d hits, %d misses, %d declined"
        % (cache.vhost, len(cache), cache.max, c("hits"), c("misses"), c("declined"))
    )
    _list(cache)
    if c("failed"):
        print("%d handshakes or connections failed" % c("failed"))
    if cache.error is not None:
        print("the last handshake that failed: %r" % cache.error)
    if c("full") and not c("harvested_poll") and not c("harvested_close"):
        print(_NONE_KEPT[waiting] % c("full"))
    elif cache.miss and (c("full") or cache.miss != "empty"):
        print("the last look-up missed: %s" % _WHY[cache.miss])


def _list(cache):
    configurations = []
    last = None
    number = 0
    for fingerprint, host, port, session, age, left, _, once in cache.sessions():
        if fingerprint not in configurations:
            configurations.append(fingerprint)
        configuration = configurations.index(fingerprint) + 1
        number = number + 1 if last == (configuration, host, port) else 1
        last = configuration, host, port
        name = "%s:%s, configuration %d, " % (_readable(host), port or "?", configuration)
        if session:
            kind = "ticket" if once else "session"
            what = kind, number, age, left, len(session)
            print("  " + name + "%s %d: %d s old, %d s left, %d bytes" % what)
        else:
            until = "until a connection without one succeeds, and " if age & SKIP else ""
            wait = "none is made %sfor %d s" % (until, left) if until or left else "made again"
            print("  " + name + "offers have failed: " + wait)


def _readable(host):
    """A host, or the address that stands for one: see context.py."""
    if host[:3] != "IP.":
        return host
    digits = host[3:]
    if len(digits) == 8:
        return ".".join([str(int(digits[i : i + 2], 16)) for i in range(0, 8, 2)])
    return "[" + ":".join([digits[i : i + 4] for i in range(0, len(digits), 4)]) + "]"
