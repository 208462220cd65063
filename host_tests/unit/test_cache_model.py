"""The cache against a model that is too simple to be wrong, under random use and clocks."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from tlsresume.cache import CEILING, SessionCache
from tlsresume.clock import START, Clock

PERIOD = 1 << 30  # ms, of ticks_ms on 32-bit boards
LIFE = 300
WEEK = 7 * CEILING
WAITS = [0, 300, 3600, 28800, 86400]  # s

# One server is most often meant, so that much happens to it.
hosts = st.sampled_from(["a", "a", "a", "a.b"])
ports = st.sampled_from([1, 1, 1, 11, None])
fingerprints = st.sampled_from([b"", b"", b"", b"x"])
letters = st.sampled_from([b"s", b"t", b"u"])
lengths = st.sampled_from([1, 1, 1, 2, 900, 2048])


class Entry:
    """What is known of one server under one configuration."""

    def __init__(self, key):
        self.key = key
        self.sessions = []  # (session, made, expires, until, once), newest first
        self.points = 0  # 20 a refusal, 8 a loss
        self.skip = False  # whether no offer is made until a connection without one goes well
        self.retry = 0

    @property
    def doubts(self):
        return 128 * self.skip + self.points

    def add(self, session, made, expires, until, once):
        younger = [s for s in self.sessions if s[1] > made] if once else []
        older = self.sessions[len(younger) :] if once else []
        joined = [*younger, (session, made, expires, until, once)]
        if size(joined) > 2048:
            return
        while older and size(joined) + len(older[0][0]) <= 2048:
            joined.append(older.pop(0))
        self.sessions = joined


def size(sessions):
    return sum(len(session) for session, *_ in sessions)


class Model(RuleBasedStateMachine):
    """`entries` are in the order of their use, most recent first."""

    def __init__(self):
        super().__init__()
        self.ticks = PERIOD - 5000
        self.wall = 0
        self.seconds = START
        clock = Clock(lambda: self.ticks % PERIOD, lambda: self.wall, PERIOD)
        self.cache = SessionCache(max=4, clock=clock)
        self.entries = []

    def find(self, host, port, fingerprint):
        key = (host, port, fingerprint)
        return next((e for e in self.entries if e.key == key), None)

    def use(self, entry):
        """It is the most recent now; the last goes where there are too many."""
        self.entries = [entry] + [e for e in self.entries if e is not entry]
        del self.entries[4:]

    def tidy(self):
        self.entries = [e for e in self.entries if e.sessions or e.doubts]

    @rule(
        host=hosts,
        port=ports,
        fingerprint=fingerprints,
        letter=letters,
        length=lengths,
        hint=st.integers(0, 1000),
        age=st.sampled_from([0, 0, 1, 299, 301, 2000]),
        proof=st.sampled_from([None, None, -1, 0, 1, 500, 2 * WEEK]),
        once=st.booleans(),
    )
    def put(self, host, port, fingerprint, letter, length, hint, age, proof, once):
        session = letter * length
        ceiling = WEEK if once else CEILING
        self.cache.put(
            host,
            port,
            session,
            hint,
            fingerprint,
            ceiling=ceiling,
            once=once,
            age=age,
            proof=proof,
        )
        entry = self.find(host, port, fingerprint) or Entry((host, port, fingerprint))
        newest = entry.sessions[0] if entry.sessions else (None, 0)
        made = self.seconds - age
        until = made + ceiling if proof is None else self.seconds + min(proof, ceiling)
        expires = min(made + (hint or LIFE), until)
        if newest[0] == session:
            self.use(entry)
        elif expires > self.seconds and (once or made >= newest[1]):
            entry.add(session, made, expires, until, once)
            self.use(entry)

    @rule(host=hosts, port=ports, fingerprint=fingerprints)
    def get(self, host, port, fingerprint):
        found = self.cache.get(host, port, fingerprint)
        self.look(self.find(host, port, fingerprint), found)

    @rule(host=hosts, port=ports, fingerprint=fingerprints, reuse=st.booleans())
    def take(self, host, port, fingerprint, reuse):
        found = self.cache.take(host, port, fingerprint, reuse)
        entry = self.find(host, port, fingerprint)
        if entry and (entry.skip or entry.retry > self.seconds):
            assert found == (None, 0, 0, 0, False)
            self.use(entry)
        elif self.look(entry, found[0]):
            assert found == entry.sessions[0]
            if entry.sessions[0][4] and not (reuse and len(entry.sessions) == 1):
                entry.sessions.pop(0)
        self.tidy()

    def look(self, entry, found):
        """Whether a session is found, as it is in the entry."""
        if not entry or not entry.sessions:
            assert found is None
            return False
        if entry.sessions[0][2] <= self.seconds:
            assert found is None
            entry.sessions = []
            self.tidy()
            return False
        assert found == entry.sessions[0][0]
        self.use(entry)
        return True

    @rule(host=hosts, port=ports, fingerprint=fingerprints)
    def refuse(self, host, port, fingerprint):
        self.cache.refuse(host, port, fingerprint)
        entry = self.find(host, port, fingerprint) or Entry((host, port, fingerprint))
        entry.sessions = []
        if not entry.skip:
            self.fail(entry, 20)
            self.use(entry)

    def fail(self, entry, points):
        entry.points = min(entry.points + points, 100)
        number = next(n for n in range(5) if entry.points <= 20 * (n + 1))
        entry.retry = max(entry.retry, self.seconds + WAITS[number])
        entry.skip = entry.points > 8

    @rule(host=hosts, port=ports, fingerprint=fingerprints)
    def lose(self, host, port, fingerprint):
        self.cache.refuse(host, port, fingerprint, lost=True)
        entry = self.find(host, port, fingerprint) or Entry((host, port, fingerprint))
        if entry.skip:
            return
        self.fail(entry, 8)
        self.use(entry)

    @rule(host=hosts, port=ports, fingerprint=fingerprints, offered=st.booleans())
    def accept(self, host, port, fingerprint, offered):
        self.cache.accept(host, port, fingerprint, offered)
        entry = self.find(host, port, fingerprint)
        if entry and entry.skip:
            entry.skip = offered
        elif entry and offered and entry.doubts:
            entry.points -= 1
            entry.retry = 0
        self.tidy()

    @rule(host=hosts, port=ports)
    def remove(self, host, port):
        self.cache.remove(host, port)
        self.entries = [e for e in self.entries if e.key[:2] != (host, port)]

    @rule(host=hosts, port=ports, fingerprint=fingerprints, age=st.integers(0, 2))
    def decline(self, host, port, fingerprint, age):
        self.cache.remove(host, port, fingerprint, self.cache.now() - age)
        entry = self.find(host, port, fingerprint)
        if entry and entry.sessions and entry.sessions[0][1] <= self.seconds - age:
            entry.sessions = []
            self.tidy()

    @rule(seconds=st.one_of(st.integers(0, 700), st.integers(0, CEILING)))
    def sleep(self, seconds):
        self.ticks += seconds * 1000
        self.wall += seconds
        self.seconds += seconds

    @rule(seconds=st.integers(-1000000, 500000))
    def step_of_ntp(self, seconds):
        # Below a period: a step that happens to be whole periods is taken for wraps.
        self.wall += seconds

    @invariant()
    def the_same_is_listed_in_the_same_order(self):
        assert self.cache.now() == self.seconds  # or NTP's steps would add up to a wrap
        now = self.seconds
        listed = []
        for entry in self.entries:
            host, port, fingerprint = entry.key
            if entry.doubts:
                wait = max(0, entry.retry - now)
                listed.append((fingerprint, host, port, b"", entry.doubts, wait, 0, False))
            listed += [
                (fingerprint, host, port, session, now - made, expires - now, until - now, once)
                for session, made, expires, until, once in entry.sessions
                if expires > now
            ]
        assert list(self.cache.sessions()) == listed

    @invariant()
    def the_tags_are_of_those_that_have_sessions(self):
        keys = [entry.key for entry in self.entries if entry.sessions]
        tags = [f"default.{h}.{'?' if p is None else p}" for h, p, _ in keys]
        assert list(self.cache) == tags
        assert len(self.cache) == len(tags)

    @invariant()
    def it_is_bounded_and_no_bucket_is_empty(self):
        assert all(self.cache._spaces.values())
        assert sum(len(space) for space in self.cache._spaces.values()) == len(self.entries) <= 4


TestModel = Model.TestCase
TestModel.settings = settings(max_examples=150, stateful_step_count=50, deadline=None)
