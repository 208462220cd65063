"""What a cache has counted."""

from collections import OrderedDict

# CPython's names and ours; lib/README.md says what they mean.
NAMES = (
    "accept",
    "accept_good",
    "accept_renegotiate",
    "cache_full",
    "connect",
    "connect_good",
    "connect_renegotiate",
    "declined",
    "failed",
    "harvested_close",
    "harvested_poll",
    "hits",
    "load_failed",
    "loaded",
    "misses",
    "number",
    "offered",
    "refused",
    "rejected",
    "save_failed",
    "saved",
    "timeouts",
)


def session_stats(cache):
    """The counters of a cache, an OrderedDict by name."""
    number = len(cache)
    stats = OrderedDict([(name, cache.counted(name)) for name in NAMES])
    stats["number"] = number
    stats["connect_good"] = cache.counted("hits") + cache.counted("full")
    return stats
