"""SSLSession: a session in the application's hands."""

import _tlsresume

from .clock import clock


class SSLSession:
    """A TLS session that a server may resume, as CPython's `ssl.SSLSession`.

    It is a secret: whoever has it can pose as the client, and may decrypt what was recorded.
    """

    def __init__(self, buf):
        """Load a session that `serialize()` gave, on a firmware with the same Mbed TLS.

        Raises TypeError for what is no buffer, ValueError for an empty, truncated or foreign one.
        """
        if isinstance(buf, str):
            raise TypeError("session must be bytes-like")
        packed = bytearray(memoryview(buf))
        if not packed:
            raise ValueError("session is empty")
        _tlsresume.parse(packed)
        self._packed = packed
        self._made = clock.now()

    def age(self):
        """Seconds since the session came into this object."""
        return clock.now() - self._made

    def serialize(self):
        """The session as bytes. Store them sealed: see `tlsresume.store`."""
        return bytes(self._packed)

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
