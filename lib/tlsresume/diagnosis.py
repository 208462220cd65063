"""report(): why is it not resuming?"""

from . import shim

_WHY = {
    "empty": "there was no session: the first connection, or one that was not closed and not "
    "polled yet, or a server that gives none",
    "expired": "the session had expired here: see timeout=, and the server's ticket lifetime hint",
    "configuration": "there is a session, earned under another security configuration: verify "
    "mode, CAs, own certificate, ciphers or verify callback differ",
    "busy": "a scheduled callback connected in the middle of another connection's look-up",
    "declined": "the server declined: restarted, another node or ticket key behind the same "
    "name, its session cache full or off, or expired there",
}


def report(of=None):
    """Print what a SessionCache, or the one of an SSLContext, holds and why it last missed.

    Without an argument, of the cache that install() shares. No secret is printed. Raises
    ValueError where there is none.
    """
    cache = getattr(of, "sessions", of) if not hasattr(of, "get") else of
    cache = shim._cache if cache is None else cache
    if cache is None:
        raise ValueError("nothing is installed: name a context or a cache")
    c = cache.counted
    print(
        "vhost %s: %d of %d entries, %d hits, %d misses, %d declined"
        % (cache.vhost, len(cache), cache.max, c("hits"), c("misses"), c("declined"))
    )
    for _, host, port, session, age, left, _ in cache.sessions():
        name = "%s.%s" % (host, "?" if port is None else port)
        print("  %-32s %5d s old, %5d s left, %4d bytes" % (name, age, left, len(session)))
    if cache.miss:
        print("the last look-up missed: %s" % _WHY[cache.miss])
