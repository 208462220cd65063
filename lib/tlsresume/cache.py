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
        self.miss = None  # why the last look-up found nothing, a key of diagnosis.py's _WHY
        self.error = None  # what the last handshake that failed has raised, if wrap_socket did it
        self.doubting = False  # whether anything ever spoke against an offer
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
        """`(session, made, expires, until, once)` as `get` finds it; one that is good for `once`
        is removed, but not with `reuse` if it is the last.

        The times are on the cache's clock: `until` is when the peer has to prove its identity
        anew. For a miss the session is None.
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
            if remove and self.doubting and self._is_doubtful(entry):
                self._touch(entry)
                return self._missed("refused")
            if len(entry) < _entry.BODY:
                return self._missed("empty")
            made, expires, until, once, end = _entry.head(entry)
            if expires <= self._clock.now():
                self._forget(fingerprint, key, entry)
                self.count("timeouts")
                return self._missed("expired")
            self._touch(entry)
            found = entry[_entry.BODY : end], made, expires, until, once
            if once and remove and not (reuse and end == len(entry)):
                self._forget(fingerprint, key, entry, end)
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
        age=0,
        proof=None,
    ):
        """Keep a copy of `session` (bytes-like) in an entry that becomes the first.

        It lives for the least of the cache's timeout, `lifetime` (the server's hint, 0 for
        none) and `ceiling`, all in seconds, less its `age`; and no longer than the peer's `proof`
        of identity holds (seconds from now, None: `ceiling` less `age`), which it may have from an
        earlier session. It takes the place of an older session; one that is good for one use
        (`once`) joins them, up to 2048 bytes an entry. A session that is there already keeps its
        time. Raises MemoryError, nothing changed.
        """
        with lock as first:
            if not first or len(session) > _entry.MAX_BYTES:
                return
            now = self._clock.now()
            life = min(self.timeout or lifetime or DEFAULT_TIMEOUT, lifetime or ceiling)
            made = max(0, now - age)
            until = made + ceiling if proof is None else min(now + proof, now + ceiling)
            expires = min(now + life - age, made + ceiling, until)
            key = self._key(host, port)
            old = self._spaces.get(fingerprint, _NONE).get(key)
            if old is not None and _entry.holds(old, session):
                self._touch(old)
            elif expires > now and (once or old is None or made >= _entry.made(old)):
                if old is not None and not once and len(old) == _entry.BODY + len(session):
                    # In place: the heap of a board that reconnects for weeks stays as it is.
                    _entry.rewrite(old, session, made, expires, until)
                    self._touch(old)
                else:
                    entry = _entry.join(old or _entry.EMPTY, session, made, expires, until, once)
                    self._keep(fingerprint, key, old, entry)
                self.changes += 1

    def refuse(self, host, port, fingerprint=b"", *, lost=False):
        """Note that a handshake with an offer has failed: the server has ended it, and its
        sessions are forgotten; or it was `lost` for another reason, and they are kept. `take`
        finds none until `accept` is told of one without an offer, if there was more than one loss;
        and for a time that grows, up to a day."""
        with lock as first:
            if not first:
                return
            key, entry, doubts, _ = self._noted(host, port, fingerprint)
            if not doubts & _entry.SKIP:  # else that offer was made before what is noted
                self._note(fingerprint, key, entry, *_entry.failed(doubts, lost))
            if not lost and entry is not None:
                self._forget(fingerprint, key, entry)

    def doubt(self, host, port, fingerprint, doubts, wait):
        """Note again what `sessions` has listed, `wait` in seconds, if nothing worse was noted
        since."""
        with lock as first:
            if first:
                key, entry, since, _ = self._noted(host, port, fingerprint)
                if doubts > since:
                    self._note(fingerprint, key, entry, doubts, min(wait, _entry.MAX_WAIT))

    def accept(self, host, port, fingerprint=b"", offered=True):
        """Note that a handshake went well in which a session was `offered`, or none was."""
        if not self.doubting:
            return
        with lock as first:
            if not first:
                return
            key, entry, doubts, retry = self._noted(host, port, fingerprint)
            left = _entry.accepted(doubts, offered)
            if left != doubts:
                _entry.set_doubts(entry, left, 0 if offered else retry)
                self.changes += 1
                if not left and _entry.is_empty(entry):
                    self._forget(fingerprint, key, entry)

    def remove(self, host, port, fingerprint=None, made=None):
        """Forget what is known of `host` and `port`: of all fingerprints, or of one; with `made`
        only its sessions, if none is younger than that. Raises RuntimeError in a scheduled
        callback that has interrupted the cache."""
        with lock as first:
            _refuse_unless(first)
            key = self._key(host, port)
            for space in list(self._spaces) if fingerprint is None else (fingerprint,):
                entry = self._spaces.get(space, _NONE).get(key)
                if entry is None:
                    continue
                if made is None:
                    self._drop(space, key)
                elif _entry.made(entry) <= made:
                    self._forget(space, key, entry)

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
        """How many tags have a session."""
        self._pull()
        return len(self._sorted())

    def __bool__(self):
        return True  # an empty cache is a cache

    def __iter__(self):
        """The tags, `vhost.host.port`, most recently used first."""
        self._pull()
        return iter([self.vhost + "." + key for _, _, key, _ in self._sorted()])

    def sessions(self):
        """`(fingerprint, host, port, session, age, left, proof, once)` of every session that has
        not expired, most recently used first; times in seconds, `proof` is how long the peer's
        holds. Where something speaks against an offer, an empty session comes before them: `age`
        is what, for `doubt`, `left` for how long none is made.

        `session` is a view into the cache, which is wiped when it goes: look at it with the lock
        held, or before anything else is done.
        """
        self._pull()
        now = self._clock.now()
        for _, fingerprint, key, entry in self._sorted(all=True):
            host, _, port = key.rpartition(".")
            number = None if port == "?" else int(port)
            doubts, retry = _entry.doubts(entry)
            if doubts:
                yield fingerprint, host, number, b"", doubts, max(0, retry - now), 0, False
            at = _entry.FIRST
            while at < len(entry) and _entry.used(entry):  # 0: it was wiped meanwhile
                made, expires, until, once, end = _entry.head(entry, at)
                if expires > now:
                    item = _entry.view(entry, at), now - made, expires - now, until - now, once
                    yield (fingerprint, host, number) + item
                at = end

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

    def _missed(self, why):
        self.miss = why
        self.count("misses")
        return None, 0, 0, 0, False

    def _elsewhere(self, key):
        return any(len(space.get(key, b"")) > _entry.FIRST for space in self._spaces.values())

    def _is_doubtful(self, entry):
        """Whether nothing is to be offered now."""
        doubts, retry = _entry.doubts(entry)
        return doubts & _entry.SKIP or retry > self._clock.now()

    def _noted(self, host, port, fingerprint):
        """`(key, entry or None, doubts, retry)`."""
        key = self._key(host, port)
        entry = self._spaces.get(fingerprint, _NONE).get(key)
        return (key, entry) + _entry.doubts(entry or _entry.EMPTY)

    def _note(self, fingerprint, key, entry, doubts, wait):
        """Note what speaks against an offer, in an entry or, where that is None, in a new one."""
        self.doubting = True
        if entry is None:
            entry = bytearray(_entry.EMPTY)
            self._keep(fingerprint, key, None, entry)
        self._touch(entry)
        retry = self._clock.now() + wait
        _entry.set_doubts(entry, doubts, max(retry, _entry.doubts(entry)[1]))
        self.changes += 1

    def _touch(self, entry):
        self._used += 1
        _entry.touch(entry, self._used)

    def _forget(self, fingerprint, key, entry, end=None):
        """Forget the sessions of an entry, or those before `end`; but not what is noted."""
        end = len(entry) if end is None else end
        if end == len(entry) and not _entry.doubts(entry)[0]:
            self._drop(fingerprint, key)
        else:
            self._spaces[fingerprint][key] = _entry.behead(entry, end)
            wipe(entry)
            self.changes += 1

    def _keep(self, fingerprint, key, old, entry):
        """Put an entry in the place of an old one, or None, which is wiped."""
        self._touch(entry)
        try:
            space = self._spaces.get(fingerprint)
            if space is None:
                self._spaces[fingerprint] = {key: entry}
            else:
                space[key] = entry
        except MemoryError:
            wipe(entry)
            raise
        if old is not None:
            wipe(old)
        while sum(map(len, self._spaces.values())) > self.max:
            _, fingerprint, key = min(
                (_entry.used(entry), fingerprint, key)
                for fingerprint, space in self._spaces.items()
                for key, entry in space.items()
            )
            self._drop(fingerprint, key)
            self.count("cache_full")

    def _drop(self, fingerprint, key):
        space = self._spaces[fingerprint]
        wipe(space.pop(key))
        if not space:
            del self._spaces[fingerprint]
        self.changes += 1

    def _sorted(self, all=False):
        """`(-used, fingerprint, key, entry)` of those that have sessions, or of `all`."""
        with lock:
            found = [
                (-_entry.used(entry), fingerprint, key, entry)
                for fingerprint, space in self._spaces.items()
                for key, entry in space.items()
                if all or not _entry.is_empty(entry)
            ]
        found.sort(key=_first)
        return found


class NoSessions(SessionCache):
    """The cache of a context that shall not resume: what is put is not kept."""

    def put(self, *args, **kwargs):
        pass

    refuse = put


def _first(item):
    return item[0]


def _refuse_unless(first):
    if not first:
        raise RuntimeError("the cache is in use by what this callback interrupts: try again later")
