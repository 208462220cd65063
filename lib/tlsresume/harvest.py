"""When sessions are taken out of their connections, and what becomes of them."""

import sys

import _tlsresume

from .cache import CEILING
from .lock import lock

DELAY = 500  # ms from the end of the negotiation to the check, as in libwebsockets
BUSY = 10  # ms until the next try, where a callback has interrupted a cache

_CEILING_TLS13 = 7 * 86400  # s, RFC 8446 4.6.1

# firmware/tlsresume/harvest.c has the same numbers.
_FULL = 1
_RESUMED = 2
_FAILED = 3
_OUTCOMES = (None, "full", "hits", "failed")
_SOURCES = {4: "harvested_poll", 5: "harvested_close", 6: "harvested_read"}

layout_known = True  # until _tlsresume finds that it does not know this MicroPython

_queue = None  # asyncio's task queue that holds _run, or None
_timer = None  # given to use_timer
_untold = None  # what was taken, and could not be handled for want of memory


def poll():
    """Take what connections have to give: call it from a main loop of one's own.

    Returns the ms until the next call is worth it (an int), or None when nothing is awaited.
    Does not block, and raises nothing: without memory it goes on at the next call.
    """
    global _untold
    taken = None
    try:
        if lock.mine():
            return BUSY
        taken = _untold
        _untold = None  # at once: a callback that polls, too, must not find it again
        if taken is None:
            taken = _tlsresume.take(DELAY)
        while taken is not None:
            _handle(taken)
            taken = None
            taken = _tlsresume.take(DELAY)
    except MemoryError:
        _untold = taken or _untold
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


def _handle(taken):
    event = taken[1]
    if event in _SOURCES:
        _keep(*taken)
        return
    cache = taken[0][0]
    if event == _FAILED:
        # RFC 5246 7.2.2: what failed is not to be resumed; nor what this connection has given.
        _forget(taken[0], cache.now() - taken[4] + 1)
    elif event == _FULL and taken[0][4] is not None:
        _forget(taken[0], 0)  # what was declined is of no use
        cache.count("declined")
        cache.miss = "declined"
    cache.count(_OUTCOMES[event])


def _forget(owner, given):
    cache, host, port, standing, made = owner
    if host is not None:
        cache.remove(host, port, standing[0], max(made or 0, given))


def _keep(owner, event, packed, resumed, age, lifetime):
    """Put a session into its cache, or without memory lose it: a full handshake follows.

    Not so what has no name, what renews a session that the application has brought along, and
    what may have been earned under another configuration than when its connection began.
    """
    cache, host, port, standing, made = owner
    fingerprint = standing[0]
    try:
        if host is None or resumed and made == 0 or fingerprint is None:
            return
        once = lifetime is None
        if once:
            lifetime = _tlsresume.parse(packed)[2]
        ceiling = _CEILING_TLS13 if once else CEILING
        cache.put(
            host,
            port,
            packed,
            lifetime,
            fingerprint,
            ceiling=ceiling,
            once=once,
            since=made if resumed else None,
            age=age,
        )
        cache.count(_SOURCES[event])
        if cache.store is not None:
            cache.store.tick()
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
