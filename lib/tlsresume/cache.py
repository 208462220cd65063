"""The cache of one vhost's sessions, most recently used first. Knows nothing of TLS."""

from . import entry as _entry
from .clock import clock as _default_clock
from .entry import wipe
from .lock import lock

DEFAULT_MAX = 10  # entries, as in libwebsockets
DEFAULT_TIMEOUT = 300  # s, where neither user nor server say one
CEILING = 86400  # s, RFC 5246 F.1.4

_NONE = {}  # the entries of a fingerprint that has none


class SessionCache:
    """A bounded cache of sessions that belongs to a vhost.

    A session is opaque bytes, found by host, port and fingerprint, the hash of the security
    configuration that earned it: under another fingerprint it is not there. Look-ups cost
    the same whatever the size. What leaves the cache is overwritten. Threads may share it; a
    scheduled callback that interrupts one of its methods finds and changes nothing.
    """

    def __init__(self, vhost="default", max=0, timeout=0, clock=None):
        """`max` entries (0: 10), `timeout` in seconds (0: the server's hint, else 300).

        Raises ValueError for a negative number and TypeError for what is none.
        """
        if max < 0:
            raise ValueError("max is negative")
        if timeout < 0:
            raise ValueError("timeout is negative")
        self.vhost = vhost
        self.max = max or DEFAULT_MAX
        self.timeout = int(timeout)
        self.miss = None  # why the last look-up found nothing: empty, expired, configuration, busy
        self.changes = 0  # a counter, for whoever saves
        self.pull = None  # called before the cache is looked into, by who fills it
        self.store = None  # the Persist that keeps the sessions, if any
        self._counts = {}
        self._clock = clock or _default_clock
        self._spaces = {}  # fingerprint -> {"host.port": entry}; none of them empty
        self._used = 0
        self._host = self._port = self._last_key = None

    def get(self, host, port, fingerprint=b""):
        """The newest session for `host` (str, in lower case) and `port` (int, None: unknown), or
        None.

        A bytearray that belongs to the caller. Makes the entry the most recently used.
        """
        return self.take(host, port, fingerprint, remove=False)[0]

    def take(self, host, port, fingerprint=b"", reuse=False, *, remove=True):
        """`(session, made)` as `get` finds it; one that is good for one use is removed, but not
        with `reuse` if it is the last.

        `made` is on the cache's clock. `(None, 0)` for a miss.
        """
        if self.pull is not None:
            self.pull()
        with lock as first:
            if not first:
                return self._missed("busy")
            key = self._key(host, port)
            entry = self._spaces.get(fingerprint, _NONE).get(key)
            if entry is None:
                return self._missed("configuration" if self._elsewhere(key) else "empty")
            if _entry.expires(entry) <= self._clock.now():
                self._drop(fingerprint, key)
                self.count("timeouts")
                return self._missed("expired")
            self._used += 1
            _entry.touch(entry, self._used)
            rest = entry
            if remove and _entry.once(entry):
                if not reuse or _entry.after(entry) < len(entry):
                    rest = _entry.behead(entry)
            found = _entry.session(entry), _entry.made(entry)
            if rest is not entry:
                self._replace(fingerprint, key, entry, rest)
            self.miss = None
            return found

    def put(
        self,
        host,
        port,
        session,
        lifetime=0,
        fingerprint=b"",
        *,
        ceiling=CEILING,
        once=False,
        since=None,
        age=0,
    ):
        """Keep a copy of `session` (bytes-like) in an entry that becomes the first.

        It lives for the least of the cache's timeout, `lifetime` (the server's hint, 0 for
        none) and `ceiling`, all in seconds, less its `age`. It takes the place of the
        session before it; one that is good for one use (`once`) joins it, up to 2048 bytes
        an entry. `since`: when its secret was made, if that is an earlier session's, and the
        ceiling with it. A session that is there already keeps its time. Raises MemoryError,
        nothing changed.
        """
        with lock as first:
            if first and len(session) <= _entry.MAX_BYTES:
                now = self._clock.now()
                life = min(self.timeout or lifetime or DEFAULT_TIMEOUT, lifetime or ceiling)
                key = self._key(host, port)
                old = self._spaces.get(fingerprint, _NONE).get(key)
                made = max(0, now - age)
                if since is not None and not once:
                    made = min(made, since)
                expires = min(now + life - age, made + ceiling)
                self._used += 1
                if old is not None and _entry.holds(old, session):
                    _entry.touch(old, self._used)
                elif expires > now:
                    if old is not None and not once and len(old) == _entry.size(session):
                        # In place: the heap of a board that reconnects for weeks stays as it is.
                        _entry.rewrite(old, session, made, expires)
                        _entry.touch(old, self._used)
                        self.changes += 1
                    else:
                        self._keep(fingerprint, key, old, session, made, expires, once)

    def remove(self, host, port, fingerprint=None, made=None):
        """Forget the sessions for `host` and `port`: of all fingerprints, or of one; and, with
        `made`, only if none is younger than that. Raises RuntimeError in a scheduled callback
        that has interrupted the cache."""
        with lock as first:
            _refuse_unless(first)
            key = self._key(host, port)
            for space in list(self._spaces) if fingerprint is None else (fingerprint,):
                entry = self._spaces.get(space, _NONE).get(key)
                if entry is not None and (made is None or _entry.made(entry) <= made):
                    self._drop(space, key)

    def now(self):
        """The cache's clock: seconds, of which `take` gives an older reading as `made`."""
        return self._clock.now()

    def clear(self):
        """Forget all sessions. The statistics stay. Raises RuntimeError as `remove` does."""
        self._pull()
        with lock as first:
            _refuse_unless(first)
            for space in self._spaces.values():
                for entry in space.values():
                    wipe(entry)
            self._spaces = {}
            self.changes += 1

    def __len__(self):
        self._pull()
        with lock:
            return self._size()

    def __bool__(self):
        return True  # an empty cache is a cache

    def __iter__(self):
        """The tags, `vhost.host.port`, most recently used first."""
        self._pull()
        return iter([self.vhost + "." + key for _, key, _ in self._sorted()])

    def sessions(self):
        """`(fingerprint, host, port, session, age, left, once)` of every session that has not
        expired, most recently used first; times in seconds. `session` is a bytearray that is
        wiped when the next one is asked for."""
        self._pull()
        now = self._clock.now()
        for fingerprint, key, entry in self._sorted():
            host, _, port = key.rpartition(".")
            number = None if port == "?" else int(port)
            at = _entry.FIRST
            while at < len(entry):
                with lock:
                    age = now - _entry.made(entry, at)
                    left = _entry.expires(entry, at) - now
                    once = _entry.once(entry, at)
                    session = _entry.session(entry, at)
                    at = _entry.after(entry, at)
                if left == -now:
                    break  # the entry has gone meanwhile: it is zeros
                if left > 0:
                    yield fingerprint, host, number, session, age, left, once
                wipe(session)

    def count(self, what):
        """Add one to the counter named `what` (str)."""
        if what not in self._counts:
            # In a new dict: no other thread comes upon one that grows.
            self._counts = dict(self._counts, **{what: 0})
        self._counts[what] += 1

    def counted(self, what):
        return self._counts.get(what, 0)

    def _key(self, host, port):
        # Asked for several times a connection, and for the same host most often.
        if host != self._host or port != self._port:
            # The port is last and has no dot, so "a.b" + "c" and "a" + "b.c" cannot meet.
            self._last_key = "%s.%s" % (host, "?" if port is None else int(port))
            self._host = host
            self._port = port
        return self._last_key

    def _pull(self):
        if self.pull is not None:
            self.pull()

    def _size(self):
        return sum(len(space) for space in self._spaces.values())

    def _missed(self, why):
        self.miss = why
        self.count("misses")
        return None, 0

    def _elsewhere(self, key):
        return any(key in space for space in self._spaces.values())

    def _replace(self, fingerprint, key, entry, rest):
        if rest is None:
            self._drop(fingerprint, key)
        else:
            self._spaces[fingerprint][key] = rest
            wipe(entry)
            self.changes += 1

    def _keep(self, fingerprint, key, old, session, made, expires, once):
        entry = _entry.new(session, self._used, made, expires, once, old if once else None)
        try:
            self._insert(fingerprint, key, entry)
        except MemoryError:
            wipe(entry)
            raise
        if old is not None:
            wipe(old)
        self.changes += 1
        while self._size() > self.max:
            self._drop(*self._last())
            self.count("cache_full")

    def _insert(self, fingerprint, key, entry):
        space = self._spaces.get(fingerprint)
        if space is None:
            self._spaces[fingerprint] = {key: entry}
        else:
            space[key] = entry

    def _last(self):
        _, fingerprint, key = min(
            (_entry.used(entry), fingerprint, key)
            for fingerprint, space in self._spaces.items()
            for key, entry in space.items()
        )
        return fingerprint, key

    def _drop(self, fingerprint, key):
        space = self._spaces[fingerprint]
        wipe(space.pop(key))
        if not space:
            del self._spaces[fingerprint]
        self.changes += 1

    def _sorted(self):
        with lock:
            found = [
                (-_entry.used(entry), fingerprint, key, entry)
                for fingerprint, space in self._spaces.items()
                for key, entry in space.items()
            ]
        found.sort(key=lambda item: item[0])
        return [item[1:] for item in found]


class NoSessions(SessionCache):
    """The cache of a context that shall not resume: what is put is not kept."""

    def put(self, host, port, session, lifetime=0, fingerprint=b"", **kwargs):
        pass


def _refuse_unless(first):
    if not first:
        raise RuntimeError("the cache is in use by what this callback interrupts: try again later")
