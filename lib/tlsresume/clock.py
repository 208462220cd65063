"""A clock that only moves forward."""

import time

_YEAR = 2024  # a clock that says less was never set
START = 8 * 86400  # s: what was made before the start has a time, too, up to a week of it


def clock_is_set(seconds=None):
    """Whether the wall clock was set at that time, in s since the port's epoch; None: now."""
    return time.gmtime(time.time() if seconds is None else seconds)[0] >= _YEAR


class Clock:
    """Whole seconds that neither an NTP step nor the wrap of `time.ticks_ms` can move.

    Counts `ticks_ms`, whose differences are right up to one period (12.4 days where it is
    2^30 ms). A longer pause is found by the wall clock: a difference that is a whole number
    of periods, within an hour, is missed wraps; any other one is a step and means nothing.
    """

    def __init__(self, ticks=None, wall=None, period=None):
        """`ticks` and `wall` stand for `time.ticks_ms` and `time.time`; `period` is in ms."""
        self._ticks = ticks or time.ticks_ms
        self._wall = wall or time.time
        self._period = period or time.ticks_add(0, -1) + 1  # too large for a small int
        self._wrap = self._period // 1000
        self._epoch = int(self._wall())  # seconds since are a small int, and take no heap
        self._last = self._ticks()  # at the last whole second
        self._last_wall = 0
        self._seconds = START

    def now(self):
        """Seconds, START when the clock was made: an int that never decreases."""
        wall = int(self._wall()) - self._epoch
        if wall == self._last_wall and 0 <= self._ticks() - self._last < 1000:
            return self._seconds
        return self._advance(wall)

    def _advance(self, wall):
        # Read at once and written at once, without a jump: neither a callback nor another thread
        # comes between (py/vm.c), and one that came before has left nothing half done.
        last = self._last
        seconds = self._seconds
        unseen = wall - self._last_wall
        ticks = self._ticks()
        elapsed = ticks - last
        if elapsed < 0:
            elapsed += self._period
        unseen -= elapsed // 1000
        seconds += elapsed // 1000
        if unseen >= self._wrap - 3600:
            seconds += self._missed(unseen)
        self._last = ticks - elapsed % 1000
        self._last_wall = wall
        self._seconds = seconds
        return seconds

    def _missed(self, unseen):
        wraps, off = divmod(unseen + 3600, self._wrap)
        return wraps * self._wrap if off <= 7200 else 0


clock = Clock()
