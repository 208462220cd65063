"""Servers that are no daemons of Debian's, with a Daemon's methods; and two behind one port."""

import platform
import ssl
from itertools import zip_longest

from openssl_server import OpenSSLServer
from ticket_server import TicketServer
from tls_server import TLSServer


class SServer:
    """`openssl s_server`, which says on its page whether it resumed."""

    program = "openssl s_server"
    request, answer = b"GET / HTTP/1.0\r\n\r\n", b"</HTML>"
    word = '"Reused" on its page'
    said_in_answer = "\nReused, "
    reload_signal = None
    times_out = False

    def __init__(self, certificate, *options):
        self._arguments = certificate, *options
        self._server = OpenSSLServer(*self._arguments)

    def next_port(self):
        return self._server.port

    def restart(self):
        self.close()
        self._server = OpenSSLServer(*self._arguments, port=self._server.port)

    def version(self):
        return ssl.OPENSSL_VERSION.split()[1]

    def close(self):
        self._server.close()


class PythonSSL:
    """Python's ssl module."""

    program = "Python"
    request = answer = b"hello\n"
    word = "`session_reused`"
    said_in_answer = None
    reload_signal = None
    times_out = False

    def __init__(self, *args, **kwargs):
        self._server = TLSServer(*args, **kwargs)

    def next_port(self):
        return self._server.port

    def reused(self):
        return [one["reused"] for one in self._server.seen]

    def restart(self):
        self._server.forget()

    def version(self):
        return platform.python_version()

    def close(self):
        self._server.close()


class Refusing:
    """OpenSSL's library, as a server that ends each handshake which offers a session."""

    program = "OpenSSL"
    request = answer = b"hello\n"
    word = said_in_answer = None
    reload_signal = None
    times_out = False

    def __init__(self, certificate, version):
        number = {"1.2": 0x0303, "1.3": 0x0304}[version]
        script = ["ticket", "read", self.answer]
        self._start = lambda: TicketServer(certificate, script, version=number, refuses=True)
        self._server = self._start()

    def next_port(self):
        return self._server.port

    def restart(self):
        self.close()
        self._server = self._start()

    def version(self):
        return ssl.OPENSSL_VERSION.split()[1]

    def close(self):
        self._server.close()


class Pair:
    """Two servers, each started by a call, which take the connections in turn."""

    def __init__(self, one, other):
        self._servers = [one(), other()]
        self._turn = 0

    def __getattr__(self, name):
        return getattr(self._servers[0], name)

    def next_port(self):
        self._turn += 1
        return self._servers[self._turn % 2 - 1].next_port()

    def reused(self):
        pairs = zip_longest(*(server.reused() for server in self._servers))
        return [word for pair in pairs for word in pair if word is not None]

    def reload(self):
        for server in self._servers:
            server.reload()

    def restart(self, **settings):
        for server in self._servers:
            server.restart(**settings)

    def close(self):
        for server in self._servers:
            server.close()
