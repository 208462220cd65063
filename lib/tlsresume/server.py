"""The board as a server: the keys of its session tickets, and what became of them."""

import os
import struct
import time
from hashlib import sha256

from . import harvest
from .clock import clock
from .harvest import _tlsresume

MAX_LIFETIME = 7 * 86400  # s, RFC 8446 4.6.1; a longer one would fail every handshake of TLS 1.3
DEFAULT_LIFETIME = 86400  # s, as long as TLS 1.2 can have (RFC 5246 F.1.4)
NUM_TICKETS = 2  # after a full handshake of TLS 1.3, as in OpenSSL

_YEAR = 2024  # a clock that says less was never set
_EPOCH = 946684800 if time.gmtime(0)[0] == 2000 else 0  # s to Unix's: boards may share a key

# What firmware/tlsresume/server.c keeps in a bytearray.
_HEAD = "IIII"  # generation, lifetime, now, num_tickets
_KEY = 4 + 32  # name and key
_KEYS = struct.calcsize(_HEAD)
_OUTCOMES = _KEYS + 2 * _KEY
_NAMES = "full hits foreign timeouts unproven unusable".split()
_SIZE = _OUTCOMES + 4 * len(_NAMES) + 128


def tickets(sessions, ticket_key, ticket_lifetime):
    """Those of a server context, by its arguments of these names."""
    return NoTickets() if sessions is False else Tickets(ticket_key, ticket_lifetime)


class NoTickets:
    """Those of a context that shall give none."""

    num_tickets = 0

    def wrap(self, context, sock, handshake):
        """What `SSLContext.wrap_socket` does for a server."""
        native = context._context
        wrapped = native.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        try:
            self._accept(wrapped, native, context)
        except NotImplementedError as e:
            harvest.obstacle = "tlsresume: off: %s" % e
            harvest.warn()
            return wrapped
        except MemoryError:
            _tlsresume.accept(wrapped, native, None)  # a full handshake
        if handshake:
            _tlsresume.handshake(wrapped)
        return wrapped

    def _accept(self, wrapped, native, context):
        _tlsresume.accept(wrapped, native, None)

    def set_number(self, number):
        pass

    def replace(self, key):
        pass

    def forget(self):
        pass

    def counted(self):
        return {}


class Tickets(NoTickets):
    """The tickets that one server context gives, and takes back."""

    def __init__(self, key=None, lifetime=DEFAULT_LIFETIME):
        """`key` and `lifetime` as in `SSLContext(ticket_key=, ticket_lifetime=)`.

        Raises ValueError for a key that is not of 32 bytes and for a lifetime of less than a
        second, TypeError for what is neither.
        """
        if lifetime < 1:
            raise ValueError(
                "ticket_lifetime must be 1 second or more; sessions=False: no tickets"
            )
        self.num_tickets = NUM_TICKETS
        self._lifetime = min(int(lifetime), MAX_LIFETIME)
        self._keys = _start if key is None else Keys(key)
        self._made = None  # for what the keys in the state were made
        self._generation = 0
        self._state = bytearray(_SIZE)
        self._secrets = memoryview(self._state)[_KEYS:_OUTCOMES]
        self._accepted = 0

    def _accept(self, wrapped, native, context):
        self._accepted += 1
        now = int(time.time())
        known = time.gmtime(now)[0] >= _YEAR
        now = now + _EPOCH if known else clock.now()
        configuration = context._configuration
        if configuration.current:
            made = configuration.fingerprint(), known, self._keys.current()
            if made != self._made:
                self._make(made)
        if not configuration.current:
            self.forget()  # it is being changed, or was meanwhile, by another thread
        struct.pack_into("III", self._state, 4, self._lifetime, now, self.num_tickets)
        _tlsresume.accept(wrapped, native, self._state)

    def set_number(self, number):
        """Raises ValueError for one that cannot be."""
        if not 0 <= number <= 255:
            raise ValueError("num_tickets must be 0 to 255")
        self.num_tickets = number

    def forget(self):
        """No ticket is given any more, and none opens, until the next `accept`: the configuration
        changes. Raises nothing."""
        struct.pack_into("I", self._state, 0, 0)  # first: C looks at nothing else then
        _tlsresume.wipe(self._secrets)
        self._made = None

    def replace(self, key):
        """From here on `key` seals; the one before it opens for as long as its tickets live."""
        self._keys = Keys(key) if isinstance(key, tuple) else Keys(key, self._keys)

    def counted(self):
        """How many connections ended how (a dict of ints); "accept" counts those that began."""
        counts = dict(zip(_NAMES, struct.unpack_from("%dI" % len(_NAMES), self._state, _OUTCOMES)))
        counts["accept"] = self._accepted
        counts["accept_good"] = sum(counts[name] for name in _NAMES)
        counts["declined"] = sum(counts[name] for name in _NAMES[2:])
        return counts

    def _make(self, made):
        self.forget()
        fingerprint, known, keys = made
        # What was dated by the start means nothing after the next one.
        bound = sha256(b"" if known else _boot)
        if isinstance(fingerprint, tuple):
            # With callbacks, of which nothing is known but that they are these.
            bound.update(os.urandom(32))
            fingerprint = fingerprint[0]
        bound.update(fingerprint)
        bound = bound.digest()
        at = _KEYS
        for key in keys[0], keys[-1]:
            derived = sha256(b"tlsresume ticket" + key + bound).digest()
            self._state[at : at + 4] = sha256(b"name" + derived).digest()[:4]
            self._state[at + 4 : at + _KEY] = derived
            at += _KEY
        self._generation = self._generation % 0x3FFFFFFF + 1  # a small int that is not 0
        struct.pack_into("I", self._state, 0, self._generation)
        self._made = made  # last: it may have failed before, for want of memory


class Keys:
    """The key that seals, and the one before it."""

    def __init__(self, key, before=None):
        """`key`: 32 bytes, an RTCKey, or a tuple of the current and the previous one."""
        pair = key if isinstance(key, tuple) else (key,)
        if not 1 <= len(pair) <= 2:
            raise ValueError("ticket_key must be one key, or the current and the previous one")
        self._pair = tuple(_secret(key) for key in pair)
        if before is not None:
            self._pair += before._pair[:1]

    def current(self):
        """A tuple of one or two keys, the same object as long as they are the same."""
        return self._pair


class StartKeys(Keys):
    """Keys that are drawn at the start, and anew each week, and die with the program."""

    def __init__(self):
        self._pair = None
        self._drawn = 0

    def current(self):
        now = clock.now()
        if self._pair is None or now - self._drawn >= MAX_LIFETIME:
            self._pair = (os.urandom(32),) + (self._pair or ())[:1]
            self._drawn = now
        return self._pair


_start = StartKeys()  # of all contexts: programs make a new one for each connection
_boot = os.urandom(16)


def _secret(key):
    if isinstance(key, str):
        raise TypeError("ticket_key must be bytes-like")
    key = key.key() if hasattr(key, "key") else bytes(memoryview(key))
    if len(key) != 32:
        raise ValueError("ticket_key must be 32 bytes")
    return key
