"""The cache against a model that is too simple to be wrong, under random use and clocks."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from tlsresume.cache import CEILING, SessionCache
from tlsresume.clock import Clock

PERIOD = 1 << 30  # ms, of ticks_ms on 32-bit boards
LIFE = 300

hosts = st.sampled_from(["a", "b", "a.b", "b.a"])
ports = st.sampled_from([1, 11, None])
fingerprints = st.sampled_from([b"", b"x", b"y"])
sessions = st.binary(min_size=1, max_size=40)


class Model(RuleBasedStateMachine):
    """`entries` is a list of [key, session, made, expires], most recently used first."""

    def __init__(self):
        super().__init__()
        self.ticks = PERIOD - 5000
        self.wall = 0
        self.seconds = 0
        clock = Clock(lambda: self.ticks % PERIOD, lambda: self.wall, PERIOD)
        self.cache = SessionCache(max=4, clock=clock)
        self.entries = []

    def index(self, key):
        return next((i for i, e in enumerate(self.entries) if e[0] == key), None)

    @rule(
        host=hosts,
        port=ports,
        fingerprint=fingerprints,
        session=sessions,
        hint=st.integers(0, 1000),
    )
    def put(self, host, port, fingerprint, session, hint):
        self.cache.put(host, port, session, hint, fingerprint)
        key = (host, port, fingerprint)
        i = self.index(key)
        if i is not None and self.entries[i][1] == session:
            self.entries.insert(0, self.entries.pop(i))
            return
        if i is not None:
            self.entries.pop(i)
        elif len(self.entries) == 4:
            self.entries.pop()
        expires = self.seconds + min(hint or LIFE, hint or CEILING)
        self.entries.insert(0, [key, session, self.seconds, expires])

    @rule(host=hosts, port=ports, fingerprint=fingerprints)
    def get(self, host, port, fingerprint):
        found = self.cache.get(host, port, fingerprint)
        i = self.index((host, port, fingerprint))
        if i is None:
            assert found is None
        elif self.entries[i][3] <= self.seconds:
            assert found is None
            self.entries.pop(i)
        else:
            assert found == self.entries[i][1]
            self.entries.insert(0, self.entries.pop(i))

    @rule(host=hosts, port=ports)
    def remove(self, host, port):
        self.cache.remove(host, port)
        self.entries = [e for e in self.entries if e[0][:2] != (host, port)]

    @rule(seconds=st.integers(0, 700))
    def sleep(self, seconds):
        self.ticks += seconds * 1000
        self.wall += seconds
        self.seconds += seconds

    @rule(seconds=st.integers(-1000000, 500000))
    def step_of_ntp(self, seconds):
        # Below a period: a step that happens to be whole periods is taken for wraps.
        self.wall += seconds

    @invariant()
    def the_same_entries_in_the_same_order(self):
        self.cache.now()  # or steps of the wall clock would add up to a wrap
        tags = [f"default.{h}.{'?' if p is None else p}" for (h, p, _), *_ in self.entries]
        assert list(self.cache) == tags
        assert len(self.cache) == len(tags) <= 4

    @invariant()
    def no_bucket_is_empty(self):
        assert all(self.cache._spaces.values())


TestModel = Model.TestCase
TestModel.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
