"""The security configuration of a context, and its fingerprint."""

import struct
import tls
from hashlib import sha256
from os import urandom

from .pem import to_der


class Config:
    """MicroPython's `tls.SSLContext` with paths and PEM, and a hash of what it was told."""

    def __init__(self, protocol):
        self._context = tls.SSLContext(protocol)
        self.sessions = None  # set by who derives
        self._tickets = None  # of a server; the same
        self._inputs = []  # hashes of what was loaded or set
        self._callback = None
        self._sign_callback = None
        # The fingerprint, as long as nothing is set or loaded: what an open connection earns
        # after that is not kept.
        self._standing = [None]

    @property
    def verify_mode(self):
        return self._context.verify_mode  # type: ignore

    @verify_mode.setter
    def verify_mode(self, mode):
        if mode == self.verify_mode:
            return
        self._changed()
        self._context.verify_mode = mode  # type: ignore

    @property
    def verify_callback(self):
        return self._callback

    @verify_callback.setter
    def verify_callback(self, callback):
        self._changed()
        self._context.verify_callback = callback  # type: ignore
        self._callback = callback

    @property
    def ecdsa_sign_callback(self):
        """Where the firmware has it: signs in place of the own key, as a secure element does."""
        return self._sign_callback

    @ecdsa_sign_callback.setter
    def ecdsa_sign_callback(self, callback):
        self._changed()
        self._context.ecdsa_sign_callback = callback  # type: ignore
        self._sign_callback = callback

    def load_verify_locations(self, cafile=None, cadata=None):
        """Trust the CAs in `cafile` (a path; or PEM or DER data) or in `cadata` (PEM or DER).

        Raises OSError for a file that cannot be read, ValueError for data that is no certificate.
        """
        for der in to_der(_read(cafile) if cadata is None else cadata, b"CERTIFICATE"):
            self._tell(b"ca", [der], self._context.load_verify_locations, der)

    def load_cert_chain(self, certfile, keyfile):
        """Present this certificate: paths, or PEM or DER data. Raises OSError, ValueError."""
        data = _read(certfile)
        certificates = to_der(data, b"CERTIFICATE")
        key = to_der(_read(keyfile), b"PRIVATE KEY")[0]
        # Mbed TLS takes one DER certificate a call; a chain needs its PEM parser.
        chain = certificates[0] if len(certificates) == 1 else data
        self._tell(b"chain", certificates + [key], self._context.load_cert_chain, chain, key)

    def get_ciphers(self):
        return self._context.get_ciphers()

    def set_ciphers(self, ciphers):
        """Allow these, a list of names as `get_ciphers` gives. Raises OSError for others."""
        names = ":".join(ciphers).encode()
        self._tell(b"ciphers", [names], self._context.set_ciphers, ciphers)

    def session_stats(self):
        """Counters of the cache (a dict), see stats.py: CPython's names, and more."""
        from .stats import session_stats

        stats = session_stats(self.sessions)
        if self._tickets is not None:
            stats.update(self._tickets.counted())
        return stats

    def fingerprint(self):
        """What a resumed connection does not check again, hashed (bytes): verify mode, CAs, own
        certificate and key, ciphers. With callbacks, a tuple of that and them, which keeps them
        alive: no other one can take their place in memory."""
        if self._standing[0] is None:
            h = sha256(struct.pack(">i", self.verify_mode))
            for item in self._inputs:
                h.update(item)
            digest = h.digest()
            callbacks = self._callback, self._sign_callback
            self._standing[0] = digest if callbacks == (None, None) else (digest, callbacks)  # type: ignore
        return self._standing[0]

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        value = getattr(self._context, name)
        # What a later release of MicroPython adds may be about security: nothing that was
        # earned before is offered after.
        self._inputs.append(urandom(32))
        self._changed()
        return value

    def _changed(self):
        """Called before what changes."""
        if self._tickets is not None:
            self._tickets.forget()
        if self.sessions.pull is not None:  # type: ignore
            self.sessions.pull()  # type: ignore # what was earned before is kept
        self._standing[0] = None
        self._standing = [None]

    def _tell(self, label, items, function, *args):
        """Tell the native context `items` (bytes), by function(*args)."""
        number = len(self._inputs)
        for item in items:
            # Hashed one by one: no two lists run together to the same bytes. First: there may be
            # no memory afterwards.
            h = sha256(label + b"\0")
            h.update(item)
            self._inputs.append(h.digest())
        self._changed()
        try:
            function(*args)
        except Exception:
            del self._inputs[number:]
            raise

    def _native(self, sock, server_side, handshake, hostname, client_id):
        if client_id is not None:
            return self._context.wrap_socket(
                sock,
                server_side=server_side,
                do_handshake_on_connect=handshake,
                server_hostname=hostname,
                client_id=client_id,
            )
        return self._context.wrap_socket(  # as upstream's callers do: no allocation before it
            sock,
            server_side=server_side,
            do_handshake_on_connect=handshake,
            server_hostname=hostname,
        )


def _read(data):
    """The content of a path; PEM and DER data are their own."""
    if isinstance(data, str) and "-----BEGIN " not in data:
        with open(data, "rb") as f:
            return f.read()
    return data
