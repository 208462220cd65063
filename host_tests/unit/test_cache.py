"""The cache: bounded, most recently used first, and forgetful in time."""

from raises import raises
from tlsresume.cache import CEILING, NoSessions, SessionCache


class Clock:
    seconds = 0

    def now(self):
        return self.seconds


def make(**kwargs):
    clock = Clock()
    clock.seconds = 1000
    return SessionCache(clock=clock, **kwargs), clock


def test_what_was_put_is_found():
    cache, _ = make()
    cache.put("a", 443, b"session")
    assert cache.get("a", 443) == b"session"


def test_what_was_not_put_is_not_found():
    cache, _ = make()
    cache.put("a", 443, b"session")
    assert cache.get("a", 444) is None
    assert cache.get("b", 443) is None
    assert cache.miss == "empty"


def test_the_default_is_ten_entries():
    cache, _ = make()
    for port in range(11):
        cache.put("a", port, b"s")
    assert len(cache) == 10
    assert cache.get("a", 0) is None
    assert cache.get("a", 1) == b"s"
    assert cache.counted("cache_full") == 1


def test_max_is_the_limit():
    cache, _ = make(max=2)
    cache.put("a", 1, b"s")
    cache.put("a", 2, b"s")
    assert len(cache) == 2
    cache.put("a", 3, b"s")
    assert list(cache) == ["default.a.3", "default.a.2"]


def test_the_most_recently_used_is_first():
    cache, _ = make()
    for port in (1, 2, 3):
        cache.put("a", port, b"s")
    cache.get("a", 1)
    assert list(cache) == ["default.a.1", "default.a.3", "default.a.2"]
    cache.put("a", 2, b"t")
    assert list(cache) == ["default.a.2", "default.a.1", "default.a.3"]


def test_a_look_up_saves_from_eviction():
    cache, _ = make(max=2)
    cache.put("a", 1, b"s")
    cache.put("a", 2, b"s")
    cache.get("a", 1)
    cache.put("a", 3, b"s")
    assert list(cache) == ["default.a.3", "default.a.1"]


def test_the_tag_begins_with_the_vhost():
    cache, _ = make(vhost="telemetry")
    cache.put("example.com", None, b"s")
    assert list(cache) == ["telemetry.example.com.?"]


def test_without_a_hint_a_session_lives_300_seconds():
    cache, clock = make()
    cache.put("a", 1, b"s")
    clock.seconds += 299
    assert cache.get("a", 1) == b"s"
    clock.seconds += 1
    assert cache.get("a", 1) is None
    assert cache.miss == "expired"
    assert cache.counted("timeouts") == 1
    assert len(cache) == 0


def test_the_hint_of_the_server_is_its_life():
    cache, clock = make()
    cache.put("a", 1, b"s", 7200)
    clock.seconds += 7199
    assert cache.get("a", 1) == b"s"
    clock.seconds += 1
    assert cache.get("a", 1) is None


def test_the_least_of_timeout_and_hint_holds():
    for timeout, hint, life in ((100, 200, 100), (200, 100, 100), (50, 0, 50)):
        cache, clock = make(timeout=timeout)
        cache.put("a", 1, b"s", hint)
        clock.seconds += life - 1
        assert cache.get("a", 1) == b"s"
        clock.seconds += 1
        assert cache.get("a", 1) is None


def test_a_timeout_may_be_a_float():
    cache, clock = make(timeout=60.9)
    cache.put("a", 1, b"s", 100)
    clock.seconds += 59
    assert cache.get("a", 1) == b"s"
    clock.seconds += 1
    assert cache.get("a", 1) is None


def test_nothing_lives_beyond_the_ceiling():
    cache, clock = make(timeout=10 * CEILING)
    cache.put("a", 1, b"s", 9 * CEILING)
    clock.seconds += CEILING - 1
    assert cache.get("a", 1) == b"s"
    clock.seconds += 1
    assert cache.get("a", 1) is None


def test_a_look_up_does_not_lengthen_a_life():
    cache, clock = make(timeout=100)
    cache.put("a", 1, b"s")
    clock.seconds += 60
    cache.get("a", 1)
    cache.put("a", 1, b"s")
    clock.seconds += 40
    assert cache.get("a", 1) is None


def test_a_session_lives_no_longer_than_its_peers_proof():
    cache, clock = make(timeout=CEILING)
    cache.put("a", 1, b"t", proof=10)
    clock.seconds += 9
    assert cache.get("a", 1) == b"t"
    clock.seconds += 1
    assert cache.get("a", 1) is None


def test_a_session_whose_peer_has_to_prove_itself_anew_is_not_kept():
    for proof in (0, -1):
        cache, _ = make()
        cache.put("a", 1, b"t", proof=proof)
        assert len(cache) == 0 and cache.changes == 0


def test_a_longer_proof_lengthens_no_life():
    cache, clock = make(timeout=100)
    cache.put("a", 1, b"s", proof=CEILING)
    assert cache.take("a", 1)[2:4] == (1100, 1000 + CEILING)
    clock.seconds += 100
    assert cache.get("a", 1) is None


def test_no_proof_holds_beyond_the_ceiling():
    cache, _ = make()
    cache.put("a", 1, b"s", proof=3 * CEILING)
    cache.put("b", 1, b"s", proof=3 * CEILING, ceiling=7 * CEILING)
    assert cache.take("a", 1)[3] == 1000 + CEILING
    assert cache.take("b", 1)[3] == 1000 + 3 * CEILING


def test_the_proof_of_a_session_alone_is_as_old_as_itself():
    cache, clock = make(timeout=CEILING)
    clock.seconds += CEILING
    cache.put("a", 1, b"s", age=CEILING - 10)
    assert cache.take("a", 1)[1:4] == (1010, 1010 + CEILING, 1010 + CEILING)


def test_a_new_secret_has_a_ceiling_of_its_own():
    cache, clock = make(timeout=CEILING)
    cache.put("a", 1, b"s")
    clock.seconds += CEILING - 10
    cache.put("a", 1, b"t")
    clock.seconds += 11
    assert cache.get("a", 1) == b"t"


def test_a_session_of_another_configuration_is_not_there():
    cache, _ = make()
    cache.put("a", 1, b"s", fingerprint=b"none")
    assert cache.get("a", 1, b"required") is None
    assert cache.miss == "configuration"
    assert cache.get("a", 1, b"none") == b"s"


def test_configurations_live_side_by_side():
    cache, _ = make()
    cache.put("a", 1, b"s", fingerprint=b"x")
    cache.put("a", 1, b"t", fingerprint=b"y")
    assert cache.get("a", 1, b"x") == b"s"
    assert cache.get("a", 1, b"y") == b"t"
    assert len(cache) == 2


def test_eviction_crosses_configurations():
    cache, _ = make(max=2)
    cache.put("a", 1, b"s", fingerprint=b"x")
    cache.put("b", 1, b"s", fingerprint=b"y")
    cache.put("c", 1, b"s", fingerprint=b"y")
    assert list(cache) == ["default.c.1", "default.b.1"]


def test_look_alike_names_do_not_meet():
    cache, _ = make()
    cache.put("a.b", 1, b"s")
    assert cache.get("a", 1) is None
    assert cache.get("b", 1) is None
    assert cache.get("a.b.1", 1) is None
    assert cache.get("a.b", 11) is None


def test_single_use_sessions_are_used_once_newest_first():
    cache, clock = make()
    cache.put("a", 1, b"one", once=True)
    cache.put("a", 1, b"two", once=True)
    assert len(cache) == 1
    assert cache.take("a", 1) == (b"two", 1000, 1300, 1000 + CEILING, True)
    assert cache.take("a", 1) == (b"one", 1000, 1300, 1000 + CEILING, True)
    assert cache.take("a", 1) == (None, 0, 0, 0, False)


def test_the_last_single_use_session_can_be_reused():
    cache, _ = make()
    cache.put("a", 1, b"one", once=True)
    cache.put("a", 1, b"two", once=True)
    assert cache.take("a", 1, reuse=True)[0] == b"two"
    assert cache.take("a", 1, reuse=True)[0] == b"one"
    assert cache.take("a", 1, reuse=True)[0] == b"one"


def test_get_does_not_consume():
    cache, _ = make()
    cache.put("a", 1, b"one", once=True)
    assert cache.get("a", 1) == b"one"
    assert cache.get("a", 1) == b"one"


def test_reusable_sessions_are_not_consumed():
    cache, _ = make()
    cache.put("a", 1, b"one")
    assert cache.take("a", 1)[0] == b"one"
    assert cache.take("a", 1)[0] == b"one"


def test_an_entry_is_bounded_in_bytes():
    cache, _ = make()
    for i in range(9):
        cache.put("a", 1, bytes([i]) * 500, once=True)
    found = []
    while True:
        session = cache.take("a", 1)[0]
        if session is None:
            break
        found.append(session[0])
    assert found == [8, 7, 6, 5]


def test_an_oversized_session_is_not_kept():
    cache, _ = make()
    cache.put("a", 1, bytes(2048))
    assert len(cache) == 1
    cache.put("b", 1, bytes(2049))
    assert len(cache) == 1


def test_the_age_of_a_session_is_told():
    cache, clock = make(timeout=500)
    cache.put("a", 1, b"s", age=100)
    clock.seconds += 5
    assert cache.take("a", 1) == (b"s", 900, 1400, 900 + CEILING, False)


def test_remove_forgets_all_configurations_or_one():
    cache, _ = make()
    cache.put("a", 1, b"s", fingerprint=b"x")
    cache.put("a", 1, b"s", fingerprint=b"y")
    cache.remove("a", 1, b"x")
    assert len(cache) == 1
    cache.remove("a", 1)
    assert len(cache) == 0
    cache.remove("a", 1)


def test_remove_spares_what_is_younger():
    cache, clock = make()
    cache.put("a", 1, b"s")
    cache.remove("a", 1, b"", made=999)
    assert len(cache) == 1
    cache.remove("a", 1, b"", made=1000)
    assert len(cache) == 0


def entry_of(cache, key="a.1"):
    return cache._spaces[b""][key]


def wiped(entry):
    return not any(entry)


def test_secrets_are_wiped_when_they_leave():
    cache, clock = make(max=1)

    cache.put("a", 1, b"secret")
    entry = entry_of(cache)
    cache.put("a", 1, b"newer")
    assert wiped(entry), "replaced"

    entry = entry_of(cache)
    cache.put("b", 1, b"other")
    assert wiped(entry), "evicted"

    entry = entry_of(cache, "b.1")
    cache.remove("b", 1)
    assert wiped(entry), "removed"

    cache.put("a", 1, b"secret")
    entry = entry_of(cache)
    clock.seconds += 300
    cache.get("a", 1)
    assert wiped(entry), "expired"

    cache.put("a", 1, b"secret")
    entry = entry_of(cache)
    cache.clear()
    assert wiped(entry) and len(cache) == 0, "cleared"

    cache.put("a", 1, b"secret", once=True)
    entry = entry_of(cache)
    cache.take("a", 1)
    assert wiped(entry), "used up"


def test_the_callers_copy_is_his_own():
    cache, _ = make()
    cache.put("a", 1, b"secret")
    session = cache.get("a", 1)
    cache.clear()
    assert session == b"secret"


def test_no_secret_is_in_the_repr():
    cache, _ = make()
    cache.put("a", 1, b"secret")
    assert "secret" not in repr(cache) + str(cache) + str(list(cache))


# An older session never replaces a newer one.


def test_a_session_that_comes_late_replaces_no_newer_one():
    cache, clock = make()
    cache.put("a", 1, b"newer")
    clock.seconds += 10
    cache.put("a", 1, b"older", age=20)
    assert cache.get("a", 1) == b"newer"
    cache.put("a", 1, b"older, and longer", age=11)
    assert cache.get("a", 1) == b"newer"


def test_one_that_is_as_old_replaces_it():
    cache, clock = make()
    cache.put("a", 1, b"first")
    clock.seconds += 10
    cache.put("a", 1, b"other", age=10)
    assert cache.get("a", 1) == b"other"


def test_a_ticket_that_comes_back_waits_behind_the_newer_ones():
    cache, clock = make()
    cache.put("a", 1, b"one", once=True)
    spent = cache.take("a", 1)
    clock.seconds += 5
    cache.put("a", 1, b"two", once=True)
    cache.put("a", 1, b"three", once=True)
    cache.put("a", 1, spent[0], 300, once=True, age=5)
    assert [cache.take("a", 1)[0] for _ in range(4)] == [b"three", b"two", b"one", None]


def test_a_ticket_that_comes_back_pushes_no_newer_one_out():
    cache, clock = make()
    clock.seconds += 5
    cache.put("a", 1, b"2" * 1200, once=True)
    cache.put("a", 1, b"1" * 1200, once=True, age=5)
    assert cache.take("a", 1)[0] == b"2" * 1200
    assert cache.take("a", 1)[0] is None


def test_a_ticket_that_comes_back_pushes_out_the_oldest():
    cache, clock = make()
    for n in (b"1", b"3"):
        cache.put("a", 1, n * 900, once=True)
        clock.seconds += 2
    cache.put("a", 1, b"2" * 900, once=True, age=3)
    assert [cache.take("a", 1)[0] for _ in range(3)] == [b"3" * 900, b"2" * 900, None]


# Offers that are refused.


def offered(cache):
    "What the next connection offers."
    return cache.take("a", 1)[0]


def succeed(cache):
    "A connection without an offer goes well."
    cache.accept("a", 1, offered=False)


def test_after_a_refusal_the_sessions_are_gone_and_no_offer_is_made_until_one_without_goes_well():
    cache, _ = make()
    cache.put("a", 1, b"session")
    entry = entry_of(cache)
    cache.refuse("a", 1)
    assert wiped(entry) and len(cache) == 0 and list(cache) == []
    cache.put("a", 1, b"another")
    for _ in range(3):
        assert offered(cache) is None and cache.miss == "refused"
    succeed(cache)
    assert offered(cache) == b"another"


def test_one_offer_that_is_lost_says_nothing():
    cache, _ = make()
    for _ in range(3):
        cache.put("a", 1, b"session")
        cache.refuse("a", 1, lost=True)
        assert offered(cache) == b"session"
        for _ in range(8):
            cache.accept("a", 1)
    assert all([item[3] for item in cache.sessions()]), "nothing is known"


def test_the_second_that_is_lost_in_a_row_is_the_last_until_one_without_an_offer_goes_well():
    cache, _ = make()
    cache.put("a", 1, b"session")
    cache.refuse("a", 1, lost=True)
    succeed(cache)
    cache.refuse("a", 1, lost=True)
    for _ in range(3):
        assert offered(cache) is None and cache.miss == "refused"
    succeed(cache)
    assert offered(cache) == b"session", "which is kept"


def test_a_refusal_forgets_the_sessions_also_where_no_offer_is_made():
    cache, _ = make()
    cache.put("a", 1, b"session")
    cache.refuse("a", 1, lost=True)
    cache.refuse("a", 1, lost=True)
    entry = entry_of(cache)
    cache.refuse("a", 1)
    assert wiped(entry) and len(cache) == 0


def test_a_new_server_whose_first_offer_is_lost_takes_up_an_entry():
    cache, _ = make(max=1)
    cache.refuse("a", 1, lost=True)
    assert len(cache) == 0 and len(list(cache.sessions())) == 1


def waits(cache, clock, **lost):
    "After a refusal: how many seconds pass until the second connection after it makes an offer."
    cache.refuse("a", 1, **lost)
    assert offered(cache) is None, "the first"
    succeed(cache)
    cache.put("a", 1, b"a session", 10 * CEILING)
    wait = max([left for _, _, _, session, _, left, _, _ in cache.sessions() if not session])
    if wait:
        clock.seconds += wait - 1
        assert offered(cache) is None and cache.miss == "refused"
        clock.seconds += 1
        cache.put("a", 1, b"a session that is younger", 10 * CEILING)
    assert offered(cache)
    return wait


def test_each_refusal_makes_the_wait_longer_up_to_a_day():
    cache, clock = make(timeout=10 * CEILING)
    assert [waits(cache, clock) for _ in range(6)] == [0, 300, 3600, 28800, 86400, 86400]


def test_each_loss_in_a_row_does_from_the_second():
    cache, clock = make(timeout=10 * CEILING)
    cache.refuse("a", 1, lost=True)
    got = [waits(cache, clock, lost=True) for _ in range(12)]
    assert got == [0] + 3 * [300] + 2 * [3600] + 3 * [28800] + 3 * [86400]


def test_who_loses_every_second_offer_is_known_after_all():
    cache, clock = make(timeout=10 * CEILING)
    cache.refuse("a", 1, lost=True)
    for _ in range(20):
        cache.accept("a", 1)
        wait = waits(cache, clock, lost=True)
    assert wait == 86400


def test_a_wait_is_not_shortened_by_what_was_noted_before():
    cache, clock = make()
    for _ in range(2):
        cache.refuse("a", 1)
        succeed(cache)
    cache.doubt("a", 1, b"", 20, 0)
    assert [item[5] for item in cache.sessions()] == [300]


def test_twenty_successes_make_up_for_a_refusal():
    cache, clock = make(timeout=10 * CEILING)
    for _ in range(5):
        waits(cache, clock)
    for wait in (28800, 3600, 300, 0):
        for _ in range(40):
            cache.accept("a", 1)
        assert waits(cache, clock) == wait
    for _ in range(20):
        assert not all([item[3] for item in cache.sessions()])
        cache.accept("a", 1)
    assert all([item[3] for item in cache.sessions()])


def test_who_refuses_one_offer_in_ten_is_known_after_all():
    cache, clock = make(timeout=10 * CEILING)
    for _ in range(10):
        wait = waits(cache, clock)
        for _ in range(9):
            cache.accept("a", 1)
    assert wait == 86400


def test_refusals_of_connections_that_went_side_by_side_are_one():
    cache, clock = make()
    cache.put("a", 1, b"s")
    for _ in range(5):
        cache.refuse("a", 1)
    succeed(cache)
    cache.put("a", 1, b"s")
    assert offered(cache) == b"s"


def test_a_success_ends_the_wait():
    cache, _ = make()
    for _ in range(3):
        cache.refuse("a", 1)
        cache.put("a", 1, b"s")
        succeed(cache)
    assert offered(cache) is None and cache.miss == "refused"
    cache.accept("a", 1)
    assert offered(cache) == b"s"


def test_a_refusal_under_another_configuration_is_no_session():
    cache, _ = make()
    cache.refuse("a", 1, b"x")
    assert cache.get("a", 1, b"y") is None and cache.miss == "empty"


def test_a_success_where_nothing_was_refused_notes_nothing():
    cache, _ = make()
    cache.accept("a", 1)
    assert cache.changes == 0 and not cache._spaces
    cache.put("a", 1, b"s")
    cache.refuse("b", 1)
    changes = cache.changes
    cache.accept("a", 1)
    succeed(cache)
    cache.accept("c", 1)
    assert cache.changes == changes and offered(cache) == b"s"


def test_what_is_forgotten_takes_up_no_room():
    cache, _ = make(max=2)
    cache.put("b", 1, b"s")
    cache.refuse("a", 1)
    succeed(cache)
    for _ in range(20):
        cache.accept("a", 1)
    cache.put("c", 1, b"s")
    assert list(cache) == ["default.c.1", "default.b.1"]


def test_a_connection_that_had_begun_before_the_refusal_does_not_let_the_next_one_offer():
    cache, _ = make()
    cache.refuse("a", 1)
    cache.accept("a", 1)
    cache.put("a", 1, b"s")
    assert offered(cache) is None and cache.miss == "refused"
    succeed(cache)
    assert offered(cache) == b"s"


def test_to_look_is_not_to_connect():
    cache, _ = make()
    cache.refuse("a", 1)
    cache.put("a", 1, b"s")
    assert cache.get("a", 1) == b"s"
    assert offered(cache) is None


def test_a_refusal_is_of_one_server_and_one_configuration():
    cache, _ = make()
    keys = ("a", 1, b"x"), ("a", 1, b"y"), ("a", 2, b"x"), ("b", 1, b"x")
    for host, port, fingerprint in keys:
        cache.put(host, port, b"s", fingerprint=fingerprint)
    cache.refuse("a", 1, b"x")
    assert [cache.take(*key)[0] for key in keys] == [None, b"s", b"s", b"s"]


def test_a_refusal_survives_the_end_of_every_session():
    cache, clock = make()
    waits(cache, clock)
    waits(cache, clock)
    cache.put("a", 1, b"once", once=True)
    assert offered(cache) == b"once", "used up"
    cache.put("a", 1, b"t", 10)
    clock.seconds += 10
    assert offered(cache) is None and cache.miss == "expired"
    cache.put("a", 1, b"u")
    cache.remove("a", 1, b"", made=clock.seconds)
    assert offered(cache) is None and cache.miss == "empty", "declined"
    assert waits(cache, clock) == 3600, "the third refusal"


def test_to_forget_a_server_is_to_forget_its_refusals():
    cache, _ = make()
    for forget in (cache.clear, lambda: cache.remove("a", 1)):
        cache.refuse("a", 1)
        forget()
        cache.put("a", 1, b"s")
        assert offered(cache) == b"s"


def test_refusals_are_bounded_with_the_entries():
    cache, _ = make(max=3)
    for port in range(5):
        cache.refuse("a", port)
    cache.put("b", 1, b"s")
    assert sum(len(space) for space in cache._spaces.values()) == 3
    assert [(h, p, bytes(s)) for _, h, p, s, _, _, _, _ in cache.sessions()] == [
        ("b", 1, b"s"),
        ("a", 4, b""),
        ("a", 3, b""),
    ]
    assert cache.counted("cache_full") == 3


def test_what_is_known_of_refusals_is_listed_before_the_sessions():
    cache, clock = make()
    for _ in range(2):
        cache.put("a", 1, b"s")
        cache.refuse("a", 1)
        succeed(cache)
    cache.put("b", 1, b"t", 100)
    cache.put("a", 1, b"u", 100)
    clock.seconds += 10
    listed = [(h, bytes(s), age, left) for _, h, _, s, age, left, _, _ in cache.sessions()]
    assert listed == [("a", b"", 40, 290), ("a", b"u", 10, 90), ("b", b"t", 10, 90)]


def test_the_cache_that_is_off_notes_no_refusal():
    cache = NoSessions()
    cache.refuse("a", 1)
    cache.accept("a", 1)
    cache.remove("a", 1)
    assert not cache._spaces


def test_bad_arguments_are_refused_by_name():
    assert raises(ValueError, SessionCache, max=-1)
    assert raises(ValueError, SessionCache, timeout=-1)
    assert raises(TypeError, SessionCache, max="ten")


def test_an_empty_cache_is_true():
    assert SessionCache()


def test_the_cache_that_is_off_keeps_nothing():
    cache = NoSessions()
    cache.put("a", 1, b"s", 300, b"x", once=True)
    assert cache.get("a", 1, b"x") is None
    assert len(cache) == 0


def test_sessions_lists_what_is_alive():
    cache, clock = make(timeout=100)
    cache.put("a", 1, b"s")
    clock.seconds += 60
    cache.put("b", None, b"t", once=True)
    clock.seconds += 30
    listed = [
        (f, h, p, bytes(s), age, left, proof, once)
        for f, h, p, s, age, left, proof, once in cache.sessions()
    ]
    assert listed == [
        (b"", "b", None, b"t", 30, 70, CEILING - 30, True),
        (b"", "a", 1, b"s", 90, 10, CEILING - 90, False),
    ]
    clock.seconds += 10
    assert [s[1] for s in cache.sessions()] == ["b"]


def test_a_session_of_the_same_length_takes_the_place_in_memory():
    cache, _ = make()
    cache.put("a", 1, b"one", 100)
    entry = next(iter(next(iter(cache._spaces.values())).values()))
    cache.put("a", 1, b"two", 100)
    assert cache.get("a", 1) == b"two"
    assert b"two" in bytes(entry) and b"one" not in bytes(entry)


def test_an_entry_that_goes_while_it_is_listed_is_not_listed():
    cache, _ = make()
    for port in range(2):
        cache.put("a", port, b"a session")
    listed = []
    for item in cache.sessions():
        listed.append(item[2])
        cache.clear()
    assert listed == [1]
