"""A TLS server on MicroPython's unix port, and a client (OpenSSL, by Python's `ssl`) to try it."""

import json
import socket
import ssl
import subprocess
import threading
from contextlib import closing

from command import ToolError, start
from listener import Listener
from ports import free_port

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}

# Echoes a line a connection. Another port takes a line of Python, and answers with its value.
PROGRAM = """
import gc, json, select, socket, sys, time, tls, tlsresume
def new(**kwargs):
    ctx = tlsresume.SSLContext(tls.PROTOCOL_TLS_SERVER, **kwargs)
    ctx.load_cert_chain(CERT, KEY)
    return ctx
def listen(port):
    l = socket.socket()
    l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    l.bind(socket.getaddrinfo("127.0.0.1", port)[0][-1])
    l.listen(20)
    return l
def echo(s):
    try:
        s.write(s.readline())
    finally:
        s.close()  # a finaliser would close whatever has this file descriptor by then
seen = []
def serve(c):
    s = ctx.wrap_socket(c, server_side=True)
    seen.append(s.session_reused)
    echo(s)
"""

LOOP = """
listeners = [listen(PORT), listen(CONTROL)]
poller = select.poll()
for l in listeners:
    poller.register(l, select.POLLIN)
print("READY")
while True:
    for l, _ in poller.poll():
        c = l.accept()[0]
        try:
            if l is listeners[0]:
                serve(c)
            else:
                try:
                    line = c.readline()
                    try:
                        answer = eval(line)
                    except SyntaxError:
                        answer = exec(line)
                except Exception as e:
                    answer = repr(e)
                c.write(json.dumps(answer) + "\\n")
        except Exception as e:
            print(repr(e))
        c.close()
"""


class BoardServer:
    """The unix port `micropython` (a Path) as a server, on `port`, until `close()`.

    `certificate` is a path without suffix; `options` are the context's arguments as Python source;
    `program` goes before the loop, and may define `serve(sock)` anew. Raises ToolError if it does
    not start.
    """

    def __init__(
        self, micropython, certificate, options="", program="", port=None, heap="4M", env=None
    ):
        self.port = port or free_port()
        self._control = free_port()
        given = {
            "PORT": self.port,
            "CONTROL": self._control,
            "CERT": certificate.with_suffix(".der").read_bytes(),
            "KEY": certificate.with_suffix(".key.der").read_bytes(),
        }
        script = "".join(f"{k} = {v!r}\n" for k, v in given.items())
        script += f"{PROGRAM}\nctx = new({options})\n{program}\n{LOOP}"
        self._process = start(
            "micropython",
            [micropython, "-X", f"heapsize={heap}", "-c", script],
            stdout=subprocess.PIPE,
            text=True,
            env=env,
        )
        line = self._process.stdout.readline()
        if line != "READY\n":
            raise ToolError("the server on MicroPython: " + line + self._process.stdout.read())

    def ask(self, line):
        """What this line of Python is worth over there; None for a statement."""
        with socket.create_connection(("127.0.0.1", self._control)) as s, s.makefile("rw") as f:
            f.write(line + "\n")
            f.flush()
            return json.loads(f.readline())

    def stats(self):
        return self.ask("ctx.session_stats()")

    def close(self):
        """End it; returns what it has printed since, the first time."""
        self._process.terminate()
        return "" if self._process.stdout.closed else self._process.communicate()[0]


class Client:
    """OpenSSL's client, that keeps the session of one connection for the next."""

    def __init__(self, version=None, ca=None, certificate=None):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.context.check_hostname = ca is not None
        self.context.verify_mode = ssl.CERT_REQUIRED if ca else ssl.CERT_NONE
        if ca:
            self.context.load_verify_locations(ca)
        if certificate:
            self.context.load_cert_chain(f"{certificate}.pem", f"{certificate}.key")
        if version:
            self.context.minimum_version = self.context.maximum_version = VERSIONS[version]
        self.session = None

    def connect(self, port, session=None):
        """Connect, offer `session` (the last one), say a line; returns whether it was resumed.

        Raises OSError, ssl.SSLError; AssertionError where the answer is not an orderly one.
        """
        return self.finish(self.start(port, session))

    def start(self, port, session=None):
        """A socket that has gone through the handshake."""
        sock = socket.create_connection(("127.0.0.1", port), timeout=30)
        return self._wrap(sock, session or self.session)

    def finish(self, sock):
        """Say a line, hear it, close; returns whether the connection was resumed."""
        with closing(sock) as s:
            s.sendall(b"hello\n")
            answer = s.recv(100)
            assert answer == b"hello\n", answer
            self.session = s.session
            reused = s.session_reused
            s.unwrap()  # both say close_notify, or this raises
            return reused

    def talk(self, sock, session=None):
        """All of it on a connection that is there."""
        return self.finish(self._wrap(sock, session))

    def _wrap(self, sock, session):
        return self.context.wrap_socket(
            sock, server_hostname="localhost", session=session, suppress_ragged_eofs=False
        )


class Visitor:
    """A client for a board that connects to `port` of this host, since it may be where nobody can
    connect to it. Offers a session each `every`-th time.
    """

    def __init__(self, version, every=1):
        self._client = Client(version)
        self._every = every
        self._number = 0
        self._session = None
        self._lock = threading.Lock()  # a visit ends before the next one begins
        self._listener = Listener(self._visit, "0.0.0.0")
        self.port = self._listener.port

    def close(self):
        self._listener.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def _visit(self, sock):
        with self._lock, sock:
            self._number += 1
            offers = self._number % self._every == 0
            try:
                self._client.talk(sock, self._session if offers else None)
                self._session = self._client.session or self._session
            except OSError:
                pass  # the board had no memory
