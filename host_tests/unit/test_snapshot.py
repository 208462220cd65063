"""Sessions as bytes: whole or not at all."""

from raises import raises
from tlsresume import snapshot
from tlsresume.cache import SessionCache

snapshot.parse = lambda session: None  # the sessions here are no Mbed TLS's

F = b"f" * 32
G = b"g" * 32


class Clock:
    seconds = 700000

    def now(self):
        return self.seconds


def cache(**kwargs):
    return SessionCache(clock=Clock(), **kwargs)


def filled():
    c = cache()
    c.put("a.example", 443, b"one", 1000, F)
    c.put("b.example", None, b"two", 2000, G)
    c.put("c.example", 8883, b"3" * 300, 3000, F)
    return c


def tags(c):
    return list(c)


def test_what_was_dumped_is_loaded_in_the_same_order():
    c = cache()
    assert snapshot.load(c, snapshot.dump(filled()), 0) == 3
    assert tags(c) == tags(filled())
    assert c.get("a.example", 443, F) == b"one"
    assert c.get("b.example", None, G) == b"two"
    assert c.get("c.example", 8883, F) == b"3" * 300


def test_the_fingerprint_is_kept():
    c = cache()
    snapshot.load(c, snapshot.dump(filled()), 0)
    assert c.get("a.example", 443, G) is None


def test_the_time_slept_is_taken_off_the_life():
    c = cache()
    snapshot.load(c, snapshot.dump(filled()), 999)
    assert c.get("a.example", 443, F) == b"one"
    c._clock.seconds += 1
    assert c.get("a.example", 443, F) is None
    assert c.get("b.example", None, G) == b"two"


def test_what_expired_asleep_is_not_loaded():
    c = cache()
    snapshot.load(c, snapshot.dump(filled()), 1000)
    assert "default.a.example.443" not in tags(c)
    assert len(c) == 2


def test_a_shorter_timeout_of_the_loading_cache_holds():
    c = cache(timeout=50)
    snapshot.load(c, snapshot.dump(filled()), 50)
    assert len(c) == 0


def test_the_age_goes_on_through_sleep():
    c = filled()
    c._clock.seconds += 10
    data = snapshot.dump(c)
    d = cache()
    snapshot.load(d, data, 20)
    made = d.take("a.example", 443, F)[1]
    assert d.now() - made == 30


def test_several_tickets_of_a_host_keep_their_order():
    c = cache()
    for ticket in (b"old", b"new"):
        c.put("a", 1, ticket, 1000, F, once=True)
    d = cache()
    snapshot.load(d, snapshot.dump(c), 0)
    assert d.take("a", 1, F)[0] == b"new"
    assert d.take("a", 1, F)[0] == b"old"


def test_the_age_of_the_peers_proof_goes_on_through_sleep():
    c = cache(timeout=90000)
    c.put("a", 1, b"ticket", 90000, F, once=True, ceiling=7 * 86400, proof=5000)
    c.put("b", 1, b"session", 90000, F, proof=86400)
    c._clock.seconds += 1000
    d = cache(timeout=90000)
    snapshot.load(d, snapshot.dump(c), 3999)
    assert d.take("b", 1, F)[3] - d.now() == 86400 - 4999
    assert d.take("a", 1, F)[3] - d.now() == 1
    snapshot.load(d, snapshot.dump(c), 4000)
    assert d.get("a", 1, F) is None


def test_a_session_for_one_use_is_one_after_sleep():
    c = cache()
    c.put("a", 1, b"ticket", 1000, F, once=True)
    c.put("b", 1, b"session", 1000, F)
    d = cache()
    snapshot.load(d, snapshot.dump(c), 0)
    assert d.take("a", 1, F)[4] is True and d.get("a", 1, F) is None
    assert d.take("b", 1, F)[4] is False and d.get("b", 1, F) == b"session"


def test_what_is_loaded_replaces_nothing_that_is_newer():
    c = cache()
    c.put("a", 1, b"older", 1000, F)
    data = snapshot.dump(c)
    d = cache()
    d.put("a", 1, b"newer", 1000, F)
    snapshot.load(d, data, 10)
    assert d.get("a", 1, F) == b"newer"


def refused(times=1):
    c = cache()
    for _ in range(times):
        c.refuse("a", 1, F)
        c.accept("a", 1, F, offered=False)
    c.put("a", 1, b"session", 1000, F)
    return c


def test_refusals_survive_and_their_wait_goes_on():
    d = cache()
    snapshot.load(d, snapshot.dump(refused(2)), 299)
    assert d.take("a", 1, F)[0] is None and d.miss == "refused"
    d._clock.seconds += 1
    assert d.take("a", 1, F)[0] == b"session"
    d.refuse("a", 1, F)
    assert [item[4:6] for item in d.sessions()] == [(60 | 0x80, 3600)], "the third"


def test_a_connection_that_has_still_to_make_do_without_an_offer_survives():
    c = refused()
    c.refuse("a", 1, F)
    c.put("a", 1, b"session", 1000, F)
    d = cache()
    snapshot.load(d, snapshot.dump(c), 500)
    assert d.take("a", 1, F)[0] is None and d.miss == "refused"
    d.accept("a", 1, F, offered=False)
    assert d.take("a", 1, F)[0] == b"session"


def test_losses_survive():
    c = cache()
    c.refuse("a", 1, F, lost=True)
    c.put("a", 1, b"session", 1000, F)
    d = cache()
    snapshot.load(d, snapshot.dump(c), 0)
    assert d.get("a", 1, F) == b"session"
    d.refuse("a", 1, F, lost=True)
    assert d.take("a", 1, F)[0] is None and d.miss == "refused", "the second"


def test_refusals_without_a_session_survive():
    c = cache()
    c.refuse("a", 1, F)
    d = cache()
    assert snapshot.load(d, snapshot.dump(c), 0) == 1
    assert d.take("a", 1, F)[0] is None and d.miss == "refused"


def test_a_stored_refusal_forgets_no_session_that_was_earned_since():
    c = cache()
    c.refuse("a", 1, F)
    d = cache()
    d.put("a", 1, b"since", 1000, F)
    snapshot.load(d, snapshot.dump(c), 0)
    assert d.take("a", 1, F)[0] is None and d.miss == "refused"
    d.accept("a", 1, F, offered=False)
    assert d.take("a", 1, F)[0] == b"since"


def test_no_snapshot_makes_the_wait_longer_than_a_day():
    c = cache()
    c.sessions = lambda: [(F, "a", 1, b"", 0x7F, 10 * 86400, 0, False)]
    d = cache()
    snapshot.load(d, snapshot.dump(c), 0)
    assert [item[5] for item in d.sessions() if not item[3]] == [86400]
    for lost in (True, False):
        d.accept("a", 1, F, offered=False)
        d.refuse("a", 1, F, lost=lost)
        assert [item[5] for item in d.sessions() if not item[3]] == [86400]


def test_the_most_recent_that_fit_are_dumped():
    whole = len(snapshot.dump(filled()))
    assert tags(loaded(snapshot.dump(filled(), whole))) == tags(filled())
    less = snapshot.dump(filled(), whole - 1)
    assert len(less) < whole
    assert tags(loaded(less)) == tags(filled())[:2]


def loaded(data):
    c = cache()
    snapshot.load(c, data, 0)
    return c


def test_nothing_fits_into_nothing():
    assert len(loaded(snapshot.dump(filled(), 0))) == 0


def test_one_host_can_be_dumped_alone():
    assert tags(loaded(snapshot.dump(filled(), None, "a.example", 443))) == [
        "default.a.example.443"
    ]


def test_a_session_of_a_verify_callback_is_left_out():
    c = cache()
    c.put("a", 1, b"session", 1000, (F, test_nothing_fits_into_nothing))
    assert len(loaded(snapshot.dump(c))) == 0


def test_padding_is_ignored():
    data = snapshot.dump(filled())
    assert len(loaded(data + bytearray(100))) == 3


def test_every_truncation_is_refused():
    data = snapshot.dump(filled())
    for length in range(len(data)):
        assert raises(ValueError, snapshot.load, cache(), data[:length], 0), length


def test_every_flipped_bit_is_refused_or_means_nothing():
    data = snapshot.dump(filled())
    for at in range(len(data)):
        damaged = bytearray(data)
        damaged[at] ^= 1 << at % 8
        c = cache()
        assert raises(ValueError, snapshot.load, c, damaged, 0), at
        assert len(c) == 0


def test_a_host_that_is_no_text_is_refused_before_anything_is_loaded():
    data = snapshot.dump(filled())
    data[bytes(data).find(b"c.example")] = 0xFF  # the most recent, and so loaded last
    data[9:17] = snapshot._digest(data, len(data))
    c = cache()
    assert raises(ValueError, snapshot.load, c, data, 0)
    assert len(c) == 0


def test_another_vhost_does_not_load_it():
    assert raises(ValueError, snapshot.load, cache(vhost="other"), snapshot.dump(filled()), 0)


def test_a_larger_snapshot_than_the_cache_loads_the_most_recent():
    c = cache(max=2)
    snapshot.load(c, snapshot.dump(filled()), 0)
    assert tags(c) == tags(filled())[:2]


class Wall:
    """Sets the wall clock that snapshot looks at."""

    def __init__(self, *readings):
        self.readings = list(readings)
        self.real = snapshot.now

    def __enter__(self):
        snapshot.now = lambda: self.readings.pop(0)

    def __exit__(self, *exc):
        snapshot.now = self.real


SET = 1900000000  # s, in 2030
UNSET = 100


def written_at(seconds):
    with Wall(seconds):
        return snapshot.dump(filled())


def slept(written, now, survives=False):
    data = written_at(written)
    with Wall(now):
        return snapshot.slept(data, survives)


def test_the_time_slept_is_what_the_clock_says():
    assert slept(SET, SET + 60) == 60


def test_a_clock_that_is_not_set_says_nothing_yet():
    assert slept(SET, UNSET) is None


def test_a_clock_that_survived_need_not_be_set():
    assert slept(UNSET, UNSET + 60, True) == 60


def test_without_a_clock_at_the_writing_the_age_is_never_known():
    assert raises(ValueError, slept, UNSET, SET)


def test_a_clock_that_was_set_back_gives_no_longer_life():
    assert raises(ValueError, slept, SET, SET - 1)
    assert raises(ValueError, slept, SET, SET - 1, True)
