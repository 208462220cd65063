"""What a cache has counted."""

# CPython's names, then ours.
_COUNTERS = (
    "connect",
    "connect_renegotiate",
    "accept",
    "accept_good",
    "accept_renegotiate",
    "hits",
    "misses",
    "timeouts",
    "cache_full",
    "offered",
    "declined",
    "failed",
    "refused",
    "rejected",
    "harvested_poll",
    "harvested_close",
    "loaded",
    "load_failed",
    "saved",
    "save_failed",
)


def session_stats(cache):
    """Counters of the cache: CPython's names, and what is counted beyond them.

    `offered` to servers, `declined` by them, `expired` and `evicted` here; handshakes that have
    `failed`, and connections that an error of TLS has ended; those handshakes among them that were
    `refused`, since a session was offered; sessions harvested by poll and at close; and what
    became of the storage.
    """
    number = len(cache)
    c = cache.counted
    stats = {name: c(name) for name in _COUNTERS}
    stats["number"] = number
    stats["connect_good"] = c("hits") + c("full")
    stats["expired"] = stats["timeouts"]
    stats["evicted"] = stats["cache_full"]
    return stats
