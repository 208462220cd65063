"""SSLContext: MicroPython's, with a cache of sessions."""

import tls
from os import urandom

from . import harvest
from .cache import NoSessions, SessionCache
from .config import UNKNOWN, Configuration
from .harvest import _tlsresume
from .pem import to_der
from .session import SSLSession

try:
    from socket import TCP_NODELAY  # type: ignore  # lwIP has a number of its own
except ImportError:
    TCP_NODELAY = 1  # type: ignore

_NOTHING = None, None, None  # offered
_SERVER = getattr(tls, "PROTOCOL_TLS_SERVER", None)
_peername = getattr(_tlsresume, "peername", None)  # not on lwIP
_is_nodelay = getattr(_tlsresume, "nodelay", None)  # the same


class SSLContext:
    """MicroPython's `tls.SSLContext`; its client connections resume by themselves.

    What it does not have itself is the native context's: attributes and methods of any release.
    """

    _nodelay = None  # what wrap_socket's nodelay is, unless it is given

    def __init__(
        self,
        protocol,
        sessions=None,
        storage=None,
        *,
        reuse_tickets=False,
        ticket_key=None,
        ticket_lifetime=86400,
    ):
        """`protocol` as `tls.SSLContext` takes it.

        `sessions`: a `SessionCache` to share, False for none, None for one of its own.
        `storage`: where the sessions are kept across sleep and reboot, see `tlsresume.store`.
        `reuse_tickets`: offer a TLS 1.3 ticket again and again (RFC 8446 C.4 advises against it:
        an observer can link the connections).
        `ticket_key`, of a server: 32 bytes, a tuple of the current and the previous one, or an
        `RTCKey`: its tickets outlive a reboot, and open at other servers of that key, certificate
        and configuration. None: a key of this start. `ticket_lifetime` in seconds, at most 7 days
        (TLS 1.2: a day). Raises ValueError, TypeError for what is neither.
        """
        self._context = tls.SSLContext(protocol)
        self._configuration = Configuration().having("verify_mode", self.verify_mode)
        self._configuration.current = True
        self._reuse_tickets = reuse_tickets
        self._client = protocol == tls.PROTOCOL_TLS_CLIENT
        if harvest.obstacle:
            harvest.warn()
            sessions = False
            storage = None
        self.sessions = (
            NoSessions() if sessions is False else SessionCache() if sessions is None else sessions
        )
        self.sessions.pull = harvest.poll  # type: ignore
        self._tickets = None  # of a server
        if protocol == _SERVER and hasattr(_tlsresume, "accept") and not harvest.obstacle:
            from .server import tickets

            self._tickets = tickets(sessions, ticket_key, ticket_lifetime)
        if storage is not None:
            from .persist import Persist

            self.sessions.store = Persist(self.sessions, storage)  # type: ignore
        self._nobody = (self.sessions, None, None, UNKNOWN) + _NOTHING

    def __setattr__(self, name, value):
        if name[0] == "_" or name == "sessions":
            object.__setattr__(self, name, value)
        elif getattr(self._context, name, self) is not value:
            new = self._configuration.setting(name, value)
            self._configure(new, setattr, self._context, name, value)

    def __getattr__(self, name):
        if name[0] == "_":
            raise AttributeError(name)
        value = getattr(self._context, name)
        if name == "get_ciphers" or not hasattr(type(self._context), name):
            return value
        # A method that a later release has: what it does may be about security.
        return lambda *args, **kw: self._configure(
            self._configuration.having(name, urandom(32)), value, *args, **kw
        )

    def load_verify_locations(self, cafile=None, cadata=None):
        """Trust the CAs in `cafile` (a path; or PEM or DER data) or in `cadata` (PEM or DER).

        Raises OSError for a file that cannot be read, ValueError for data that is no certificate.
        """
        for der in to_der(_read(cafile) if cadata is None else cadata, b"CERTIFICATE"):
            new = self._configuration.having("ca", der)
            self._configure(new, self._context.load_verify_locations, der)

    def load_cert_chain(self, certfile, keyfile):
        """Present this certificate: paths, or PEM or DER data. Raises OSError, ValueError."""
        data = _read(certfile)
        certificates = to_der(data, b"CERTIFICATE")
        key = to_der(_read(keyfile), b"PRIVATE KEY")[0]
        # Mbed TLS takes one DER certificate a call; a chain needs its PEM parser.
        chain = certificates[0] if len(certificates) == 1 else data
        new = self._configuration.having("chain", *(certificates + [key]))
        self._configure(new, self._context.load_cert_chain, chain, key)

    def set_ciphers(self, ciphers):
        """Allow these, a list of names as `get_ciphers` gives. Raises OSError for others."""
        new = self._configuration.setting("ciphers", ":".join(ciphers))
        self._configure(new, self._context.set_ciphers, ciphers)

    def wrap_socket(
        self,
        sock,
        server_side=False,
        do_handshake_on_connect=True,
        server_hostname=None,
        client_id=None,
        *,
        session=None,
        server_port=None,
        nodelay=None,
    ):
        """Start TLS on `sock`, which then belongs to the SSLSocket that is returned.

        `session`: offer this SSLSession, of the same server and configuration, instead of one from
        the cache. `server_port`: where the port has no getpeername, or a proxy's would be found.
        `nodelay`: TCP_NODELAY for the handshake alone (None), without which Nagle's algorithm and
        the peer's delayed ACK eat what resumption saves; for good (True), for who writes few and
        whole messages, for servers, and where a program sets it itself on bare lwIP, which does
        not tell; or as it is (False). The rest, and what is raised, as in
        `tls.SSLContext.wrap_socket`; TypeError for a `session` that is none, ValueError for one of
        another server or context.
        """
        if server_side and self._tickets is not None and client_id is None:
            if nodelay is not False and (nodelay or self._nodelay is not False):
                _set_nodelay(sock, True)
            return self._tickets.wrap(self, sock, do_handshake_on_connect)
        if server_side or not self._client or client_id is not None or harvest.obstacle:
            return self._native(
                sock, server_side, do_handshake_on_connect, server_hostname, client_id
            )
        if nodelay is None:
            nodelay = self._nodelay
        cache = self.sessions
        owner = self._nobody
        packed = None
        age = 0
        try:
            cache.count("connect")
            owner = self._owner(sock, server_hostname, server_port)
            if session is None:
                # Before upstream's buffers lie in the way of whatever it allocates.
                owner, packed, age = self._look_up(owner)
            else:
                harvest.poll()
                owner, packed, age = SSLSession._offered(session, owner)
        except MemoryError:
            owner = self._nobody  # it connects, and does not resume
        ours = session is None and packed is not None
        try:
            wrapped = self._context.wrap_socket(
                sock, do_handshake_on_connect=False, server_hostname=server_hostname
            )
            try:
                offered = _tlsresume.adopt(wrapped, self._context, owner, packed, age)
                rejected = ours and not offered
                if owner[6] is not None:
                    ours = False  # whoever is told of the handshake's end wipes it
                if offered:
                    cache.count("offered")
                elif packed is not None:
                    cache.count("rejected")
                if rejected:  # not what the application has brought: the cache's own is another
                    cache.remove(owner[1], owner[2], owner[3].fingerprint(), cache.now())
            except MemoryError:
                nodelay = nodelay or False  # None: nobody would switch it off again
            except NotImplementedError as e:
                # The handshake of this one connection is left to its first read or write.
                harvest.obstacle = "tlsresume: off: %s" % e
                harvest.warn()
                return wrapped
        finally:
            if ours:
                if owner[6] is not None:
                    harvest.give_back(owner)
                _tlsresume.wipe(packed)  # type: ignore
        if nodelay is not False and _set_nodelay(sock, nodelay):
            _tlsresume.nagle(wrapped, TCP_NODELAY)
        if do_handshake_on_connect:
            try:
                _tlsresume.handshake(wrapped)
            except Exception as e:
                cache.error = e  # type: ignore
                harvest.poll()  # what it says of the server, before the program resets
                raise
        harvest.schedule()
        return wrapped

    def session_stats(self):
        """Counters of the cache (an OrderedDict): CPython's names, and more; see lib/README.md."""
        from .stats import session_stats

        return session_stats(
            self.sessions, self._tickets.counted() if self._tickets is not None else {}
        )

    @property
    def num_tickets(self):
        """How many tickets a server gives after a full handshake of TLS 1.3 (2), as in CPython."""
        return self._tickets.num_tickets  # type: ignore

    @num_tickets.setter
    def num_tickets(self, number):
        self._tickets.set_number(number)  # type: ignore

    def set_ticket_key(self, key):
        """Seal tickets with `key` from here on: 32 bytes or an `RTCKey`. The key before it opens
        what it has sealed; of a tuple, the second does. Raises ValueError, TypeError."""
        self._tickets.replace(key)  # type: ignore

    def fingerprint(self):
        """What sessions are kept under, see `Configuration.fingerprint`."""
        return self._configuration.fingerprint()

    def save(self):
        """Write the sessions to the storage now, as before `machine.deepsleep()`.

        Returns whether they were written (bool). Raises ValueError where there is no storage.
        """
        if harvest.obstacle:
            return False
        if self.sessions.store is None:
            raise ValueError("the context has no storage")
        return self.sessions.store.save()

    def _configure(self, new, function, *args, **kw):
        """Tell the native context something, by function(*args, **kw), and be of the configuration
        `new` afterwards; of the old one if that raises."""
        harvest.poll()  # what was earned before is kept
        old = self._configuration
        # Up to the call without a jump, at which a callback might tell it something (py/vm.c).
        known = old.current & (new.before is old)
        was_current = old.current
        self._configuration = new
        old.current = False
        new.before = None
        if self._tickets is not None:
            self._tickets.forget()
        try:
            result = function(*args, **kw)
        except BaseException:
            if self._configuration is new:
                old.current = was_current
                self._configuration = old
            raise
        if self._configuration is new and known:
            new.current = True
        else:
            self._configuration = UNKNOWN
        return result

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

    def _owner(self, sock, hostname, port):
        """Whose a connection's sessions are, and what it has offered: the cache, host, port and
        Configuration; when the session offered was made and until when its peer's proof holds, on
        the cache's clock; and a ticket that is used once with the end of its life."""
        host, port = _name(sock, hostname, port)
        return (self.sessions, host, port, self._configuration) + _NOTHING

    # Few variables each, and no `try`: a larger frame lies in the heap, where room for it is
    # searched for (py/vm.c, py/gc.c).

    def _look_up(self, owner):
        """`(owner, packed or None, age in ms)` of a connection that offers what the cache has."""
        cache = owner[0]
        if cache.store is not None:
            cache.store.tick()
        if owner[1] is None or not owner[3].current:
            harvest.poll()
            return owner, None, 0
        fingerprint = owner[3].fingerprint()
        found = cache.take(owner[1], owner[2], fingerprint, self._reuse_tickets)
        return (owner, None, 0) if found[0] is None else _offering(owner, found)


def _offering(owner, found):
    """What `_look_up` returns, of what the cache's `take` has found."""
    packed = found[0]
    try:
        if not found[4]:
            return owner[:4] + (found[1], found[3], None), packed, 0
        if owner[0].store is not None:
            owner[0].store.tick()  # without the ticket that is used up now
        age = (owner[0].now() - found[1]) * 1000
        return owner[:4] + (found[1], found[3], (packed, found[2])), packed, age
    except BaseException:
        _tlsresume.wipe(packed)
        raise


def _read(data):
    """The content of a path; PEM and DER data are their own."""
    if isinstance(data, str) and "-----BEGIN " not in data:
        with open(data, "rb") as f:
            return f.read()
    return data


def _set_nodelay(sock, nodelay):
    """Switch TCP_NODELAY on. Returns whether it is to be switched off again."""
    try:
        if nodelay is None and _is_nodelay is not None and _is_nodelay(sock.fileno()):
            return False
        _tlsresume.setsockopt(sock, TCP_NODELAY)
        return nodelay is None
    except Exception:
        return False  # no socket


def _peer(sock):
    try:
        return _peername(sock.fileno())  # type: ignore
    except MemoryError:
        raise
    except Exception:
        return None, None  # no socket, or not connected yet


def _name(sock, hostname, port):
    """Host and port for the tag; the peer's address where there is no host name, which then
    was in no SNI and in no check; None where neither is known, nor what tells servers apart."""
    address = None
    if _peername is not None and (port is None or not hostname):
        address, peer_port = _peer(sock)
        if port is None:
            if address == b"":
                return None, None  # AF_UNIX
            port = peer_port
    if hostname:
        if not isinstance(hostname, str):
            try:
                hostname = str(hostname, "utf-8")
            except UnicodeError:
                return None, None
        return hostname.lower(), port  # RFC 6066 3: names are compared without case
    # In capitals, and so no name.
    return "IP." + address.hex() if address else None, port
