"""A cache's sessions kept in a storage: loaded at the start, saved after a change."""

from . import snapshot
from .clock import clock_is_set
from .entry import wipe
from .lock import Lock


class Persist:
    """Keeps the sessions of `cache` in `storage`, see `tlsresume.store`.

    Whatever goes wrong with the storage costs full handshakes, and is counted: load_failed and
    save_failed in the statistics. Raises ValueError for a storage that refuses plain sessions, and
    for a vhost of over 255 bytes.
    """

    def __init__(self, cache, storage):
        if not getattr(storage, "plaintext", True):
            raise ValueError(
                "sessions are secrets: wrap the storage in Sealed(), or tell it plaintext=True. "
                "RFC 5246 F.1.4: applications that may be run in relatively insecure "
                "environments should not write session IDs to stable storage."
            )
        if len(cache.vhost.encode()) > 255:
            raise ValueError("vhost is longer than 255 bytes")
        if hasattr(storage, "bind"):
            storage.bind(snapshot.context(cache.vhost))
        self._cache = cache
        self._storage = storage
        self._clock_survives = getattr(storage, "clock_survives", False)
        self._interval = getattr(storage, "interval", 60)
        self._saved = cache.changes
        self._lock = Lock()
        self._next = 0  # when it may be saved again, on the cache's clock
        self._waiting = self._attempt(storage.load, "load_failed")  # for the clock to be set
        self.tick()

    def tick(self, soon=False):
        """Load what waits for the clock; save what has changed, if the interval has passed, or
        `soon`: before the board may be reset."""
        if self._waiting is None and self._cache.changes == self._saved:
            return
        with self._lock as first:
            if first:
                self._load_waiting()
                changed = self._cache.changes != self._saved
                if changed and (soon or self._cache.now() >= self._next):
                    self._save_now()

    def save(self):
        """Write the sessions now. Returns whether they were written (bool).

        Nothing is written as long as the clock is not set: nobody could tell their age.
        """
        try:
            with self._lock as first:
                if not first:
                    return False
                self._load_waiting()
                return self._save_now()
        except MemoryError:
            return False

    def _load_waiting(self):
        if self._waiting is not None:
            self._attempt(self._load, "load_failed")

    def _save_now(self):
        if not (self._clock_survives or clock_is_set(snapshot.now())):
            return False
        return self._attempt(self._save, "save_failed") is True

    def _load(self):
        try:
            slept = snapshot.slept(self._waiting, self._clock_survives)
            if slept is None:
                return
            unsaved = self._cache.changes != self._saved
            snapshot.load(self._cache, self._waiting, slept + 1)  # in whole seconds, rounded up
            if not unsaved:
                self._saved = self._cache.changes
        except Exception:
            self._forget()
            raise
        self._forget()
        self._cache.count("loaded")

    def _forget(self):
        if isinstance(self._waiting, bytearray):
            wipe(self._waiting)
        self._waiting = None

    def _save(self):
        changes = self._cache.changes
        self._next = self._cache.now() + self._interval
        data = snapshot.dump(self._cache, getattr(self._storage, "capacity", None))
        try:
            self._storage.save(data)
        finally:
            wipe(data)
        self._saved = changes
        self._cache.count("saved")
        return True

    def _attempt(self, action, counter):
        try:
            return action()
        except Exception:
            self._cache.count(counter)
            return None
