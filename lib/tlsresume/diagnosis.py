"""report(): why is it not resuming?"""

from . import __version__, harvest, shim

_WHY = {
    "empty": "there was no session: the first connection, or one that was not closed and not "
    "polled yet, or a server that gives none, or none of at most 2048 bytes",
    "expired": "the session had expired here: see timeout=, and the server's ticket lifetime hint",
    "configuration": "there is a session, earned under another security configuration: verify "
    "mode, CAs, own certificate, ciphers or verify callback differ",
    "refused": "the server has ended a handshake since a session was offered: none is offered for "
    "a while",
    "busy": "a scheduled callback connected in the middle of another connection's look-up",
    "declined": "the server declined: restarted, another node or ticket key behind the same "
    "name, its session cache full or off, or expired there",
}


_USE = """tlsresume %s. There is no cache to report on:
  tlsresume.install()                  from here on ssl and tls resume
  ctx = tlsresume.SSLContext(tls.PROTOCOL_TLS_CLIENT)
  tlsresume.report(ctx)                why is it not resuming?"""


def report(of=None):
    """Print what a SessionCache, or the one of an SSLContext, holds and why it last missed.

    Without an argument, of the cache that install() shares; where there is none, what to do.
    No secret is printed.
    """
    if harvest.obstacle:
        print(harvest.obstacle)
    if not hasattr(of, "sessions"):
        of = getattr(of, "_context", of)  # micropython-lib's ssl has ours within its own
    cache = getattr(of, "sessions", of) if not hasattr(of, "get") else of
    cache = shim._cache if cache is None else cache
    if cache is None:
        print(_USE % __version__)
        return
    c = cache.counted
    print(
        "vhost %s: %d of %d entries, %d hits, %d misses, %d declined"
        % (cache.vhost, len(cache), cache.max, c("hits"), c("misses"), c("declined"))
    )
    for _, host, port, session, age, left, _, _ in cache.sessions():
        name = "%s.%s" % (host, "?" if port is None else port)
        if session:
            print("  %-32s %5d s old, %5d s left, %4d bytes" % (name, age, left, len(session)))
        else:
            print("  %-32s refused sessions: none is offered for %d s" % (name, left))
    if cache.miss:
        print("the last look-up missed: %s" % _WHY[cache.miss])
