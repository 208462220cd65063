"""SSLSession: a session in the application's hands."""

from . import snapshot
from .clock import clock
from .harvest import _tlsresume, proved_until


class SSLSession:
    """A TLS session that a server may resume, as CPython's `ssl.SSLSession`.

    It is a secret: whoever has it can pose as the client, and may decrypt what was recorded. It
    belongs to the server and to the configuration that it was earned with, and is offered with no
    other; nor is it offered when the server has last proved its identity too long ago.
    """

    def __init__(self, buf):
        """Load a session that `serialize()` gave, on a firmware with the same Mbed TLS.

        Raises TypeError for what is no buffer; ValueError for an empty, truncated or foreign one,
        and where its age is not known since the clock is not set.
        """
        if isinstance(buf, str):
            raise TypeError("session must be bytes-like")
        data = memoryview(buf)
        slept = snapshot.slept(data)
        if slept is None:
            raise ValueError("the clock is not set: the session's age is not known")
        items = snapshot.decode(data, b"", padded=False)
        if len(items) != 1 or not items[0][3]:
            raise ValueError("no session")
        self._fingerprint, self._host, _, packed, age, left, proof, _ = items[0]
        self._packed = bytearray(packed)
        now = clock.now() - slept
        self._made = now - age
        self._until = now + min(left, proof)

    @classmethod
    def _of(cls, event):
        """The session of a connection: what take() tells of it."""
        owner, _, packed, _, _, _, age, lifetime, _ = event
        self = object.__new__(cls)
        self._host = owner[1]
        self._fingerprint = owner[3].fingerprint()
        self._packed = packed
        now = clock.now()
        self._made = now - age
        left = proved_until(event) - owner[0].now()
        self._until = now + left  # the cache may have a clock of its own
        if lifetime:
            self._until = min(self._until, self._made + lifetime)
        return self

    @staticmethod
    def _offered(session, owner):
        """`(owner, packed or None, age in ms)` of the connection of `owner` that offers it.

        Raises TypeError for what is no SSLSession, ValueError for one of another server or
        configuration.
        """
        if not isinstance(session, SSLSession):
            raise TypeError("session must be an SSLSession")
        cache, host, port, configuration = owner[:4]
        if session._host != host:
            raise ValueError("session is of another server: %s" % session._host)
        if not configuration.current or session._fingerprint != configuration.fingerprint():
            raise ValueError("session was earned under another configuration of the context")
        if session._until <= clock.now():
            return owner, None, 0
        ahead = cache.now() - clock.now()
        made, until = session._made + ahead, session._until + ahead
        owner = cache, host, port, configuration, made, until, None
        return owner, session._packed, session.age() * 1000

    def age(self):
        """Seconds since the session was made."""
        return clock.now() - self._made

    def serialize(self):
        """The session as bytes. Store them sealed: see `tlsresume.store`.

        Raises ValueError for one that was earned with a callback, which does not survive.
        """
        if not isinstance(self._fingerprint, bytes):
            raise ValueError("session was earned with a callback: it cannot be stored")
        left = max(0, self._until - clock.now())
        item = self._fingerprint, self._host or "", None, self._packed, self.age(), left, left, 0
        data = snapshot.encode(b"", [item])
        try:
            return bytes(data)
        finally:
            _tlsresume.wipe(data)

    def __iter__(self):
        """Of the bytes of `serialize()`, for `bytes(session)`."""
        return iter(self.serialize())

    @property
    def id(self):
        """The session ID (bytes; empty for a session that has a ticket)."""
        return _tlsresume.parse(self._packed)[3]

    @property
    def time(self):
        """When it was negotiated: seconds of C's `time()`, whose epoch may differ from
        MicroPython's; 0 for TLS 1.3."""
        return _tlsresume.parse(self._packed)[1]

    @property
    def timeout(self):
        """Seconds that it may live: the server's hint, else 300."""
        return self.ticket_lifetime_hint or 300

    @property
    def ticket_lifetime_hint(self):
        """The server's hint in seconds, 0 for none."""
        return _tlsresume.parse(self._packed)[2]

    @property
    def has_ticket(self):
        return _tlsresume.parse(self._packed)[4]

    def __eq__(self, other):
        return isinstance(other, SSLSession) and self._packed == other._packed
