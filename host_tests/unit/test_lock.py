"""The lock: other threads wait, and the own one is told that it was there first."""

from raises import raises
from tlsresume.cache import SessionCache
from tlsresume.lock import Lock, lock

try:
    import _thread
except ImportError:
    _thread = None


def test_only_the_first_is_first():
    a_lock = Lock()
    with a_lock as first:
        with a_lock as second:
            pass
        assert first and not second and a_lock.mine()
    assert not a_lock.mine()
    with a_lock as again:
        assert again


def test_an_exception_gives_it_back():
    def fail(a_lock):
        with a_lock:
            raise ValueError

    a_lock = Lock()
    assert raises(ValueError, fail, a_lock)
    assert not a_lock.mine()


def test_threads_wait_for_each_other():
    a_lock = Lock()
    done = _thread.allocate_lock()
    done.acquire()
    seen = []

    def other():
        with a_lock as first:
            seen.append(first)
        done.release()

    with a_lock:
        _thread.start_new_thread(other, ())
        assert not seen
    done.acquire()
    assert seen == [True]


# What a callback of micropython.schedule meets in the middle of one of the cache's methods.


def test_a_callback_finds_nothing():
    cache = SessionCache()
    cache.put("a", 1, b"s")
    with lock:
        assert cache.get("a", 1) is None
    assert cache.miss == "busy"
    assert cache.get("a", 1) == b"s"


def test_a_callback_changes_nothing():
    cache = SessionCache()
    cache.put("a", 1, b"s")
    with lock:
        cache.put("a", 2, b"s")
        assert raises(RuntimeError, cache.remove, "a", 1)
        assert raises(RuntimeError, cache.clear)
        assert list(cache) == ["default.a.1"]


def test_what_a_callback_counts_is_counted():
    cache = SessionCache()
    with lock:
        cache.count("x")
    assert cache.counted("x") == 1


def test_a_call_that_is_one_too_deep_gives_it_back():
    def at(depth, function):
        return at(depth - 1, function) if depth else function()

    cache = SessionCache()
    cache.put("a", 1, b"session")
    for function in (lambda: len(cache), lambda: cache.get("a", 1), lambda: cache.get("b", 1)):
        for depth in range(1500):
            try:
                at(depth, function)
            except RuntimeError:
                if lock.mine():
                    lock.__init__()  # for the tests that follow
                    raise AssertionError("taken for good")
