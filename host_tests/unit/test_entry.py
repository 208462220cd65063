"""An entry: sessions in one bytearray."""

from raises import raises
from tlsresume import entry


def test_the_head_tells_what_was_put():
    e = entry.new(b"secret", 0, 1, 2, False)
    assert (entry.made(e), entry.expires(e), entry.once(e)) == (1, 2, False)
    assert entry.session(e) == b"secret"
    assert entry.once(entry.new(b"secret", 0, 1, 2, True))


def test_the_newest_is_first():
    old = entry.new(b"old", 0, 1, 2, True)
    both = entry.new(b"new", 0, 3, 4, True, old)
    assert entry.session(both) == b"new"
    assert entry.session(entry.behead(both)) == b"old"


def test_behead_of_the_last_is_nothing():
    assert entry.behead(entry.new(b"s", 0, 1, 2, True)) is None


def test_behead_keeps_the_time_of_use():
    both = entry.new(b"new", 0, 3, 4, True, entry.new(b"old", 0, 1, 2, True))
    entry.touch(both, 77)
    assert entry.used(entry.behead(both)) == 77


def test_what_does_not_fit_is_left_out():
    old = entry.new(bytes(1000), 0, 1, 2, True, entry.new(bytes(1000), 0, 1, 2, True))
    three = entry.new(bytes(1000), 0, 1, 2, True, old)
    second = entry.after(three)
    assert entry.after(three, second) == len(three)


def test_the_largest_session_fits_and_no_larger_one():
    assert len(entry.session(entry.new(bytes(entry.MAX_BYTES), 0, 1, 2, False))) == entry.MAX_BYTES
    assert raises(ValueError, entry.new, bytes(entry.MAX_BYTES + 1), 0, 1, 2, False)


def test_an_entry_is_one_allocation_of_its_sessions_and_14_bytes():
    assert len(entry.new(bytes(300), 0, 1, 2, False)) == 314


def test_wipe_leaves_nothing():
    secret = bytearray(b"secret")
    entry.wipe(secret)
    assert secret == bytes(6)
