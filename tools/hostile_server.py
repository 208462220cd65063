"""A TLS server that lies: tlslite-ng's, whose messages a script changes before they are sent."""

import os
from pathlib import Path

from listener import Listener
from tlslite.errors import TLSError
from tlslite.handshakesettings import HandshakeSettings
from tlslite.messages import NewSessionTicket
from tlslite.sessioncache import SessionCache
from tlslite.tlsconnection import TLSConnection
from tlslite.utils.keyfactory import parsePEMKey
from tlslite.x509certchain import X509CertChain


class HostileServer:
    """A TLS echo server on 127.0.0.1, port `port`, that resumes session IDs (TLS 1.2).

    `version` is "1.2" or "1.3". `lie(number, message, hello)` may change each handshake message
    of connection `number` (0, 1, ...) that is about to be sent; `hello` is the client's.
    `sessions`: what it resumes from, tlslite-ng's SessionCache or the like, False for nothing.
    `tickets(number)` gives the tickets that follow a TLS 1.3 handshake, as (lifetime, nonce,
    ticket); without it, `psk_modes` ("psk_ke", "psk_dhe_ke") are how it resumes its own tickets.
    `certificates`, one a connection, the last for all that follow.
    """

    def __init__(
        self, certificates, version="1.2", lie=None, sessions=None, tickets=None, psk_modes=()
    ):
        self._certificates = [_load(path) for path in certificates]
        self._version = {"1.2": (3, 3), "1.3": (3, 4)}[version]
        self._lie = lie or (lambda number, message, hello: None)
        self._tickets = tickets
        self._psk_modes = psk_modes
        self._ticket_key = os.urandom(32)
        self._sessions = SessionCache() if sessions is None else sessions
        self._count = 0
        self._listener = Listener(self._serve)
        self.port = self._listener.port

    def close(self):
        self._listener.close()

    def _serve(self, sock):
        number, self._count = self._count, self._count + 1
        chain, key = self._certificates[min(number, len(self._certificates) - 1)]
        settings = HandshakeSettings()
        settings.minVersion = settings.maxVersion = self._version
        if self._psk_modes:
            settings.psk_modes = list(self._psk_modes)
            settings.ticketKeys = [self._ticket_key]
        tls = _Liar(sock, number, self._lie, self._tickets)
        try:
            tls.handshakeServer(
                certChain=chain,
                privateKey=key,
                sessionCache=self._sessions or None,
                settings=settings,
            )
            while line := tls.read(min=1, max=4096):
                tls.write(line)
        except (OSError, ValueError, TLSError):
            pass  # the client went
        finally:
            sock.close()


class _Liar(TLSConnection):
    def __init__(self, sock, number, lie, tickets):
        super().__init__(sock)
        self._number = number
        self._lie = lie
        self._tickets = tickets
        self._hello = None

    def _serverGetClientHello(self, *args, **kwargs):
        for result in super()._serverGetClientHello(*args, **kwargs):
            if isinstance(result, tuple):
                self._hello = result[0]
            yield result

    def _sendMsg(self, msg, *args, **kwargs):
        self._lie(self._number, msg, self._hello)
        return super()._sendMsg(msg, *args, **kwargs)

    def _serverSendTickets(self, settings):
        if self._tickets is None:
            yield from super()._serverSendTickets(settings)
            return
        for lifetime, nonce, ticket in self._tickets(self._number):
            message = NewSessionTicket().create(lifetime, 0, nonce, ticket, [])
            yield from super()._sendMsg(message)


def _load(path):
    chain = X509CertChain()
    chain.parsePemList(Path(f"{path}.pem").read_text())
    return chain, parsePEMKey(Path(f"{path}.key").read_text(), private=True)
