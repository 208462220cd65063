"""The clock: monotonic whatever happens to the clocks below it."""

from tlsresume.clock import START, Clock

PERIOD = 1 << 30  # ms, of ticks_ms on 32-bit boards


class Board:
    """Time as a board has it: ticks that wrap, a wall clock that can be stepped."""

    def __init__(self, ticks=0, wall=0):
        self.ms = ticks
        self.wall = wall

    def sleep(self, seconds):
        self.ms += int(seconds * 1000)
        self.wall += seconds

    def clock(self):
        return Clock(lambda: self.ms % PERIOD, lambda: self.wall, PERIOD)


def elapsed(clock):
    return clock.now() - START


def test_it_starts_at_zero():
    assert elapsed(Board(12345, 99).clock()) == 0


def test_it_counts_seconds():
    board = Board()
    clock = board.clock()
    board.sleep(2.5)
    assert elapsed(clock) == 2
    board.sleep(0.5)
    assert elapsed(clock) == 3


def test_fractions_are_not_lost():
    board = Board()
    clock = board.clock()
    for _ in range(1000):
        board.sleep(0.1)
        clock.now()
    assert elapsed(clock) == 100


def test_an_ntp_step_means_nothing():
    for step in (-30 * 365 * 86400, -3600, -1, 1, 3600, 30 * 365 * 86400):
        board = Board(wall=1000)
        clock = board.clock()
        board.sleep(10)
        board.wall += step
        assert elapsed(clock) == 10, step


def test_the_wrap_of_ticks_means_nothing():
    board = Board(ticks=PERIOD - 1500)
    clock = board.clock()
    board.sleep(3)
    assert elapsed(clock) == 3


def test_most_of_a_period_without_a_look_is_seen():
    board = Board(ticks=12345)
    clock = board.clock()
    board.sleep(PERIOD // 1000 - 1)
    assert elapsed(clock) == PERIOD // 1000 - 1


def test_whole_periods_without_a_look_are_seen_by_the_wall_clock():
    board = Board()
    clock = board.clock()
    board.sleep(3 * (PERIOD // 1000) + 50)
    assert abs(elapsed(clock) - (3 * (PERIOD // 1000) + 50)) <= 3


def test_time_that_stands_still_stands_still():
    clock = Board().clock()
    assert elapsed(clock) == elapsed(clock) == 0


def test_a_look_in_the_middle_of_a_look_counts_nothing_twice():
    board = Board()
    clock = board.clock()
    seen = []

    def interrupted():
        if not seen:
            seen.append(None)
            board.sleep(5)
            seen[0] = elapsed(clock)
        return board.wall

    clock._wall = interrupted
    assert elapsed(clock) <= 5
    assert seen == [5] and elapsed(clock) == 5
