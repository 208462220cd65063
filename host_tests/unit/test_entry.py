"""An entry: sessions in one bytearray."""

from tlsresume import entry


def raises(error, function, *args):
    try:
        function(*args)
    except error:
        return True
    return False


def test_the_head_tells_what_was_put():
    made, expires, session, once, end = entry.head(entry.new(b"secret", 1, 2, False))
    assert (made, expires, bytes(session), once) == (1, 2, b"secret", False)


def test_the_newest_is_first():
    old = entry.new(b"old", 1, 2, True)
    both = entry.new(b"new", 3, 4, True, old)
    assert bytes(entry.head(both)[2]) == b"new"
    assert bytes(entry.head(entry.behead(both))[2]) == b"old"


def test_behead_of_the_last_is_nothing():
    assert entry.behead(entry.new(b"s", 1, 2, True)) is None


def test_behead_keeps_the_time_of_use():
    both = entry.new(b"new", 3, 4, True, entry.new(b"old", 1, 2, True))
    entry.touch(both, 77)
    assert entry.used(entry.behead(both)) == 77


def test_what_does_not_fit_is_left_out():
    old = entry.new(bytes(1000), 1, 2, True, entry.new(bytes(1000), 1, 2, True))
    three = entry.new(bytes(1000), 1, 2, True, old)
    assert [len(s[2]) for s in entry.sessions(three)] == [1000, 1000]


def test_the_largest_session_fits_and_no_larger_one():
    assert len(entry.head(entry.new(bytes(entry.MAX_BYTES), 1, 2, False))[2]) == entry.MAX_BYTES
    assert raises(ValueError, entry.new, bytes(entry.MAX_BYTES + 1), 1, 2, False)


def test_an_entry_is_one_allocation_of_its_sessions_and_14_bytes():
    assert len(entry.new(bytes(300), 1, 2, False)) == 314


def test_wipe_leaves_nothing():
    secret = bytearray(b"secret")
    entry.wipe(secret)
    assert secret == bytes(6)
