"""An entry: sessions in one bytearray."""

from raises import raises
from tlsresume import entry
from tlsresume.entry import EMPTY, FIRST, join


def tickets(*sessions):
    """An entry of sessions that are good for one use, put in this order, a second apart."""
    e = EMPTY
    for made, session in enumerate(sessions, 1):
        e = join(e, session, made, made + 10, made + 20, True)
    return e


def sessions(e):
    """The sessions of an entry, newest first."""
    found = []
    at = FIRST
    while at < len(e):
        found.append(bytes(entry.view(e, at)))
        at = entry.after(e, at)
    assert at == len(e)
    return found


def test_the_head_tells_what_was_put():
    e = join(EMPTY, b"secret", 1, 2, 3, False)
    assert entry.head(e) == (1, 2, 3, False, len(e))
    assert entry.view(e) == e[entry.BODY :] == b"secret"
    assert entry.head(join(EMPTY, b"secret", 1, 2, 3, True))[3:] == (True, len(e))


def test_an_empty_entry_has_nothing():
    assert entry.is_empty(EMPTY) and entry.made(EMPTY) == 0 and not entry.holds(EMPTY, b"")
    assert (entry.used(EMPTY), entry.doubts(EMPTY)) == (0, (0, 0))
    assert not entry.is_empty(tickets(b""))


def test_the_newest_is_first():
    both = tickets(b"old", b"new")
    assert sessions(both) == [b"new", b"old"]
    assert entry.holds(both, b"new") and not entry.holds(both, b"old")
    assert sessions(entry.behead(both, entry.after(both))) == [b"old"]


def test_an_older_one_joins_by_its_age():
    e = join(tickets(b"1", b"2", b"3"), b"between", 2, 9, 9, True)
    assert sessions(e) == [b"3", b"between", b"2", b"1"]
    assert sessions(join(e, b"0", 0, 9, 9, True)) == [b"3", b"between", b"2", b"1", b"0"]


def test_one_that_is_not_for_one_use_takes_the_place_of_all():
    assert sessions(join(tickets(b"1", b"2"), b"3", 3, 9, 9, False)) == [b"3"]


def test_behead_of_all_is_empty():
    e = tickets(b"old", b"new")
    assert entry.behead(e, len(e)) == EMPTY


def test_every_change_keeps_the_use_and_the_doubts():
    e = tickets(b"old", b"new")
    entry.touch(e, 77)
    entry.set_doubts(e, 0xFF, 123456)
    for changed in (
        e,
        entry.behead(e, entry.after(e)),
        entry.behead(e, len(e)),
        join(e, b"newer", 3, 4, 5, True),
        join(e, b"newer", 3, 4, 5, False),
        join(e, b"oldest", 0, 4, 5, True),
    ):
        assert entry.used(changed) == 77
        assert entry.doubts(changed) == (0xFF, 123456)


def test_the_use_and_the_doubts_keep_off_the_sessions():
    e = tickets(b"old", b"new")
    entry.touch(e, 0xFFFFFF)
    entry.set_doubts(e, 0xFF, 0xFFFFFF)
    assert sessions(e) == [b"new", b"old"]
    assert (entry.made(e), entry.used(e)) == (2, 0xFFFFFF)


def test_rewriting_takes_the_same_place():
    e = join(EMPTY, b"one", 1, 2, 3, False)
    entry.rewrite(e, b"two", 4, 5, 6)
    assert sessions(e) == [b"two"]
    assert entry.head(e) == (4, 5, 6, False, len(e))


def test_what_does_not_fit_is_left_out_oldest_first():
    three = tickets(b"1" * 1000, b"2" * 1000, b"3" * 1000)
    assert sessions(three) == [b"3" * 1000, b"2" * 1000]
    assert sessions(join(three, b"4" * 48, 4, 9, 9, True)) == [b"4" * 48, b"3" * 1000, b"2" * 1000]
    assert sessions(join(three, b"4" * 49, 4, 9, 9, True)) == [b"4" * 49, b"3" * 1000]


def test_what_the_newer_ones_leave_no_room_for_is_left_out_itself():
    two = tickets(b"1" * 1000, b"2" * 1000)
    assert sessions(join(two, b"0" * 48, 0, 9, 9, True)) == [b"2" * 1000, b"1" * 1000, b"0" * 48]
    assert sessions(join(two, b"0" * 49, 0, 9, 9, True)) == [b"2" * 1000, b"1" * 1000]


def test_the_largest_session_fits_and_no_larger_one():
    largest = join(EMPTY, bytes(entry.MAX_BYTES), 0, 1, 2, True)
    assert len(entry.view(largest)) == entry.MAX_BYTES and entry.head(largest)[3]
    assert raises(ValueError, join, EMPTY, bytes(entry.MAX_BYTES + 1), 0, 1, 2, False)


def test_an_entry_is_one_allocation_of_9_bytes_and_its_sessions_with_14_more_each():
    assert len(join(EMPTY, bytes(300), 0, 1, 2, False)) == 323 == entry.BODY + 300
    assert len(tickets(bytes(300), bytes(200))) == 9 + 314 + 214


def test_wipe_leaves_nothing():
    secret = bytearray(b"secret")
    entry.wipe(secret)
    assert secret == bytes(6)
