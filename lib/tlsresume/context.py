"""SSLContext: MicroPython's, with a cache of sessions."""

import tls

import _tlsresume

from . import harvest
from .cache import NoSessions, SessionCache
from .config import Config
from .session import SSLSession

try:
    from socket import TCP_NODELAY  # type: ignore  # lwIP has a number of its own
except ImportError:
    TCP_NODELAY = 1  # type: ignore

_IPPROTO_TCP = 6
_peername = getattr(_tlsresume, "peername", None)  # not on lwIP
_accept = getattr(_tlsresume, "accept", None)  # not in a firmware for clients alone


class SSLContext(Config):
    """MicroPython's `tls.SSLContext`; its client connections resume by themselves."""

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
        super().__init__(protocol)
        self._reuse_tickets = reuse_tickets
        self._server = protocol != tls.PROTOCOL_TLS_CLIENT
        self.sessions = (
            NoSessions() if sessions is False else SessionCache() if sessions is None else sessions
        )
        self.sessions.pull = harvest.poll  # type: ignore
        if protocol == getattr(tls, "PROTOCOL_TLS_SERVER", None) and _accept:
            from .server import NoTickets, Tickets

            self._tickets = (
                NoTickets() if sessions is False else Tickets(ticket_key, ticket_lifetime)
            )
        if storage is not None:
            from .persist import Persist

            self.sessions.store = Persist(self.sessions, storage)  # type: ignore

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
        nodelay=True,
    ):
        """Start TLS on `sock`, which then belongs to the SSLSocket that is returned.

        `session`: offer this SSLSession, of the same server, instead of one from the cache.
        `server_port`: where the port has no getpeername, or a proxy's would be found. `nodelay`:
        set TCP_NODELAY, without which Nagle's algorithm and the peer's delayed ACK eat what
        resumption saves. The rest, and what is raised, as in `tls.SSLContext.wrap_socket`;
        TypeError for a `session` that is none.
        """
        if session is not None and not isinstance(session, SSLSession):
            raise TypeError("session must be an SSLSession")
        serves = server_side and self._tickets is not None
        if not serves and (server_side or self._server) or not harvest.layout_known:
            return self._native(
                sock, server_side, do_handshake_on_connect, server_hostname, client_id
            )
        if nodelay:
            _set_nodelay(sock)
        if serves:
            return self._serve(sock, do_handshake_on_connect)
        wrapped = self._context.wrap_socket(
            sock, do_handshake_on_connect=False, server_hostname=server_hostname
        )
        try:
            self._adopt(wrapped, sock, server_hostname, server_port, session)
        except NotImplementedError as e:
            # The handshake of this one connection is left to its first read or write.
            harvest.layout_known = False
            print("tlsresume: off:", e)
            return wrapped
        if do_handshake_on_connect:
            _tlsresume.handshake(wrapped, self._context)
        harvest.schedule()
        return wrapped

    @property
    def num_tickets(self):
        """How many tickets a server gives after a full handshake of TLS 1.3 (2), as in CPython."""
        return self._tickets.num_tickets  # type: ignore

    @num_tickets.setter
    def num_tickets(self, number):
        if not 0 <= number <= 255:
            raise ValueError("num_tickets must be 0 to 255")
        self._tickets.num_tickets = number  # type: ignore

    def set_ticket_key(self, key):
        """Seal tickets with `key` from here on: 32 bytes or an `RTCKey`. The key before it opens
        what it has sealed; of a tuple, the second does. Raises ValueError, TypeError."""
        self._tickets.replace(key)  # type: ignore

    def save(self):
        """Write the sessions to the storage now, as before `machine.deepsleep()`.

        Returns whether they were written (bool). Raises ValueError where there is no storage.
        """
        if self.sessions.store is None:
            raise ValueError("the context has no storage")
        return self.sessions.store.save()

    def _serve(self, sock, handshake):
        wrapped = self._context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        try:
            self._tickets.accept(wrapped, self._context, self.fingerprint())  # type: ignore
        except NotImplementedError as e:
            harvest.layout_known = False
            print("tlsresume: off:", e)
            return wrapped
        except MemoryError:
            _tlsresume.accept(wrapped, self._context, None)  # a full handshake
        if handshake:
            _tlsresume.handshake(wrapped, self._context)
        return wrapped

    def _adopt(self, wrapped, sock, hostname, port, session):
        """Offer a session and watch the socket. Without memory: neither, and it connects."""
        packed = None
        try:
            self.sessions.count("connect")
            host, port = _name(sock, hostname, port)
            fingerprint = self.fingerprint()
            made = age = 0
            if session is not None:
                # Earned who knows where: what it renews is not kept, as "made at 0" tells.
                harvest.poll()
                packed, age = bytearray(session._packed), session.age()
            elif host is None:
                harvest.poll()
            else:
                store = self.sessions.store
                if store is not None:
                    store.tick()
                take = self.sessions.take
                packed, made = take(host, port, fingerprint, self._reuse_tickets)  # type: ignore
                if store is not None:
                    store.tick()  # without the ticket that is used up now
                age = self.sessions.now() - made
            made = None if packed is None else made
            owner = (self.sessions, host, port, self._standing, made)
            if _tlsresume.adopt(wrapped, self._context, owner, packed, age * 1000):
                self.sessions.count("offered")
            elif packed is not None:
                self.sessions.count("rejected")
                if session is None:
                    self.sessions.remove(host, port, fingerprint)
        except MemoryError:
            pass
        finally:
            if packed is not None:
                _tlsresume.wipe(packed)


def _set_nodelay(sock):
    try:
        sock.setsockopt(_IPPROTO_TCP, TCP_NODELAY, 1)
    except Exception:
        pass  # no socket, or a port without the option


def _name(sock, hostname, port):
    """Host and port for the tag; the peer's address where there is no host name, which then
    was in no SNI and in no check; None where neither is known."""
    address = None
    if _peername is not None and (port is None or not hostname):
        address, peer_port = _peer(sock)
        if port is None:
            port = peer_port
    if hostname:
        return hostname.lower(), port  # RFC 6066 3: names are compared without case
    # In capitals, and so no name.
    return None if address is None else "IP." + address.hex(), port


def _peer(sock):
    try:
        return _peername(sock.fileno())  # type: ignore
    except MemoryError:
        raise
    except Exception:
        return None, None  # no socket
