"""When sessions are taken out of their connections, and what becomes of them."""

import sys
import time
from struct import unpack

from .cache import CEILING
from .clock import clock_is_set
from .lock import lock

try:
    import _tlsresume

    obstacle = None  # what keeps every connection from resuming (str), if anything does
except ImportError:
    from . import without as _tlsresume  # type: ignore

    obstacle = _tlsresume.OBSTACLE  # type: ignore

DELAY = 500  # ms from the end of the negotiation to the check, as in libwebsockets
BUSY = 10  # ms until the next try, where a callback has interrupted a cache

_CEILING_TLS13 = 7 * 86400  # s, RFC 8446 4.6.1

# How a connection went; firmware/tlsresume/connection.h has the same numbers.
_FULL = 1
_RESUMED = 2
_UNUSED = 3
_LOST = 4
_FAILED = 5
_REFUSED = 6
_BROKEN = 7
_COUNTERS = (
    "harvested_poll",
    "full",
    "hits",
    "failed",
    "failed",
    "failed",
    "failed",
    "failed",
    "harvested_close",
)

_queue = None  # asyncio's task queue that holds _run, or None
_timer = None  # given to use_timer
_warned = None


def poll():
    """Take what connections have to give: call it from a main loop of one's own.

    Returns the ms until the next call is worth it (an int), or None when nothing is awaited.
    Does not block, and raises nothing: what there is no memory for is lost, and costs a full
    handshake.
    """
    try:
        if lock.mine():
            return BUSY
        taken = _tlsresume.take(DELAY)
        while taken is not None:
            _handle(taken)
            taken = _tlsresume.take(DELAY)
    except MemoryError:
        pass
    return _tlsresume.due(DELAY)


def use_timer(timer):
    """Drive the harvest with `timer`, a `machine.Timer` that is free; None: no longer.

    Raises what the timer's `init` raises.
    """
    global _timer
    if _timer is not None:
        _timer.deinit()
    _timer = timer
    _arm(DELAY)


def schedule():
    """See to it that `poll` is called when a new connection is due. Raises nothing: without
    a timer or a task the session is taken at the close."""
    try:
        core = sys.modules.get("asyncio.core")
        if _timer is not None:
            _arm(DELAY)
        elif core is not None and core.cur_task is not None:
            _start(core)
    except Exception:
        pass


def warn():
    """Print the obstacle, once."""
    global _warned
    if _warned != obstacle:
        _warned = obstacle
        print(obstacle)


def proved_until(event):
    """When, on the cache's clock, it is too long ago that the peer has proved its identity.

    `event` is take()'s. Resumption proves nothing anew. A full handshake `since` seconds ago does,
    for a day in TLS 1.2 (RFC 5246 F.1.4), for a week in TLS 1.3 (RFC 8446 4.6.1), and no longer
    than the certificate lasts: `not_after`, six C ints from the year to the second, or None if it
    is not known.
    """
    owner, _, _, resumed, tls13, since, _, _, not_after = event
    if resumed:
        return owner[5]
    now = owner[0].now()
    until = now - since + (_CEILING_TLS13 if tls13 else CEILING)
    today = time.gmtime()
    if not_after is None or not clock_is_set():
        return until
    end = unpack("6i", not_after)
    if end[0] > today[0] + 1:
        return until
    # Of both in the same way: mktime() takes them for local time where there is one.
    left = time.mktime(end + (0, 0)) - time.mktime(today[:6] + (0, 0))
    return min(until, now + int(left))


def _handle(event):
    owner = event[0]
    outcome = event[1]
    cache = owner[0]
    if event[2] is not None:
        _keep(event)
    elif outcome != _RESUMED or owner[6] is not None or cache.doubting:
        _tell(owner, outcome)
    cache.count(_COUNTERS[outcome])  # which may want memory, and comes after what matters
    if cache.store is not None:
        # The program may reset where it fails. Without an offer there is nothing to be noted.
        cache.store.tick(soon=owner[4] is not None and _LOST <= outcome <= _BROKEN)


def _tell(owner, outcome):
    """What a handshake's end says of what was offered, or a connection's of what it has given."""
    cache, host, port, configuration, made, until, ticket = owner
    try:
        if host is None:
            return
        fingerprint = configuration.fingerprint()
        offered = made is not None
        if offered and (outcome == _REFUSED or outcome == _BROKEN):
            cache.refuse(host, port, fingerprint)
            cache.count("refused")
        elif outcome == _BROKEN or (outcome == _FAILED and offered):
            # RFC 5246 7.2.2: what it has offered or given is not to be resumed.
            cache.remove(host, port, fingerprint, cache.now())
        elif outcome == _UNUSED or outcome == _LOST:
            if ticket is not None:  # the network may have failed, and nobody has used it
                give_back(owner)
            if offered and outcome == _LOST:
                cache.refuse(host, port, fingerprint, lost=True)
        elif outcome <= _RESUMED:
            if offered and outcome == _FULL:
                cache.count("declined")
                cache.miss = "declined"
                cache.remove(host, port, fingerprint, made)  # it is of no use any more
            cache.accept(host, port, fingerprint, offered)
    finally:
        if ticket is not None:
            _tlsresume.wipe(ticket[0])


def give_back(owner):
    """Put a ticket that nobody has seen back into its cache. Raises nothing."""
    cache, host, port, configuration, made, until, (packed, expires) = owner
    try:
        now = cache.now()
        cache.put(
            host,
            port,
            packed,
            expires - made,
            configuration.fingerprint(),
            ceiling=_CEILING_TLS13,
            once=True,
            age=now - made,
            proof=until - now,
        )
    except MemoryError:
        pass


def _keep(event):
    """Put a session into its cache. Not so what has no name, and what may have been earned under
    another configuration than the one that its connection has begun with."""
    owner, _, packed, _, tls13, _, age, lifetime, _ = event
    cache, host, port, configuration = owner[:4]
    try:
        if host is not None and configuration.current:
            cache.put(
                host,
                port,
                packed,
                lifetime,
                configuration.fingerprint(),
                ceiling=_CEILING_TLS13 if tls13 else CEILING,
                once=tls13,
                age=age,
                proof=proved_until(event) - cache.now(),
            )
    except MemoryError:
        pass
    finally:
        _tlsresume.wipe(packed)


def _start(core):
    global _queue
    # A new event loop has a new queue, and the task of the old one is gone with it.
    if _queue is not core._task_queue:
        core.create_task(_run(core))
        _queue = core._task_queue


async def _run(core):
    """Ends when no connection is waited for."""
    global _queue
    try:
        wait = poll()
        while wait is not None:
            await core.sleep_ms(wait + 1)
            wait = poll()
    finally:
        _queue = None


def _arm(wait):
    if _timer is None:
        return
    _timer.init(mode=_timer.ONE_SHOT, period=wait + 1, callback=_tick)


def _tick(timer):
    import micropython

    try:
        micropython.schedule(_poll_and_arm, 0)  # out of the interrupt, where there is one
    except RuntimeError:  # the queue is full
        _arm(DELAY)


def _poll_and_arm(_):
    wait = poll()
    if wait is not None:
        _arm(wait)
