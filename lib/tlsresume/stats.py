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
    "rejected",
    "harvested_poll",
    "harvested_close",
    "harvested_read",
    "loaded",
    "load_failed",
    "saved",
    "save_failed",
)


def session_stats(cache):
    """Counters of the cache: CPython's names, and what is counted beyond them.

    `offered` to servers, `declined` by them, `expired` and `evicted` here, `failed`
    handshakes and alerts, harvested by poll, at close and (TLS 1.3) in a read, and what became
    of the storage.
    """
    number = len(cache)
    c = cache.counted
    stats = {name: c(name) for name in _COUNTERS}
    stats["number"] = number
    stats["connect_good"] = c("hits") + c("full")
    stats["expired"] = stats["timeouts"]
    stats["evicted"] = stats["cache_full"]
    return stats
