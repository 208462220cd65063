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
_is_nodelay = getattr(_tlsresume, "nodelay", None)  # the same


class SSLContext(Config):
    """MicroPython's `tls.SSLContext`; its client connections resume by themselves."""

    _nodelay = None  # what wrap_socket's nodelay is, unless it is given

    def __init__(self, protocol, sessions=None, storage=None, *, reuse_tickets=False):
        """`protocol` as `tls.SSLContext` takes it.

        `sessions`: a `SessionCache` to share, False for none, None for one of its own.
        `storage`: where the sessions are kept across sleep and reboot, see `tlsresume.store`.
        `reuse_tickets`: offer a TLS 1.3 ticket again and again (RFC 8446 C.4 advises against it:
        an observer can link the connections).
        """
        super().__init__(protocol)
        self._reuse_tickets = reuse_tickets
        self._server = protocol != tls.PROTOCOL_TLS_CLIENT
        self.sessions = (
            NoSessions() if sessions is False else SessionCache() if sessions is None else sessions
        )
        self.sessions.pull = harvest.poll  # type: ignore
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
        nodelay=None,
    ):
        """Start TLS on `sock`, which then belongs to the SSLSocket that is returned.

        `session`: offer this SSLSession, of the same server, instead of one from the cache.
        `server_port`: where the port has no getpeername, or a proxy's would be found. `nodelay`:
        TCP_NODELAY for the handshake alone (None), without which Nagle's algorithm and the peer's
        delayed ACK eat what resumption saves; for good (True), for who writes few and whole
        messages; or as it is (False). The rest, and what is raised, as in
        `tls.SSLContext.wrap_socket`; TypeError for a `session` that is none.
        """
        if session is not None and not isinstance(session, SSLSession):
            raise TypeError("session must be an SSLSession")
        if server_side or self._server or not harvest.layout_known:
            return self._native(
                sock, server_side, do_handshake_on_connect, server_hostname, client_id
            )
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
        _set_nodelay(sock, wrapped, self._nodelay if nodelay is None else nodelay)
        if do_handshake_on_connect:
            _tlsresume.handshake(wrapped, self._context)
        harvest.schedule()
        return wrapped

    def save(self):
        """Write the sessions to the storage now, as before `machine.deepsleep()`.

        Returns whether they were written (bool). Raises ValueError where there is no storage.
        """
        if self.sessions.store is None:
            raise ValueError("the context has no storage")
        return self.sessions.store.save()

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


def _set_nodelay(sock, wrapped, nodelay):
    try:
        if nodelay is False:
            return
        if nodelay is None and _is_nodelay is not None and _is_nodelay(sock.fileno()):
            return
        sock.setsockopt(_IPPROTO_TCP, TCP_NODELAY, 1)
        if nodelay is None and not _tlsresume.nagle(wrapped, TCP_NODELAY):
            sock.setsockopt(_IPPROTO_TCP, TCP_NODELAY, 0)
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
