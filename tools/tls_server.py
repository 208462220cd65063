"""A real TLS server (OpenSSL, by Python's ssl) that tells what it saw of each connection.

It echoes lines, but for "reused?", which it answers. As a command it prints one JSON line a
connection.
"""

import argparse
import json
import socket
import ssl
import sys
import tempfile
import threading
from pathlib import Path

from command import run
from listener import Listener

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


class TLSServer:
    """A TLS echo server in threads of its own on `address`, on a free port.

    `certificate` is a path without suffix (see certificates.py); `version` "1.2", "1.3" or None
    for both; `tickets` the number sent after a TLS 1.3 handshake, or False for no tickets at all
    in TLS 1.2; `cache` whether session IDs are kept; `client_ca` a PEM path to ask for a client
    certificate, `client_cert` "required" or "optional"; `keylog` a path for the secrets (NSS key
    log format). `seen` lists a dict a connection.
    """

    def __init__(
        self,
        certificate,
        version=None,
        tickets=2,
        cache=True,
        client_ca=None,
        client_cert="required",
        port=0,
        on_seen=None,
        address="127.0.0.1",
        keylog=None,
    ):
        self.options = (certificate, version, tickets, cache, client_ca, client_cert)
        self._keylog = keylog
        self.seen = []
        self._on_seen = on_seen
        self._changed = threading.Condition()
        self._sockets = set()
        self.forget()
        self._closed = False
        self._listener = Listener(self._serve, address, port)
        self.port = self._listener.port

    def forget(self):
        """Lose all session IDs and ticket keys, as a restart does: later connections get a
        new context."""
        certificate, version, tickets, cache, client_ca, client_cert = self.options
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f"{certificate}.pem", f"{certificate}.key")
        # The client's order of preference, as OpenSSL's and nginx's own default.
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
        if version:
            context.minimum_version = context.maximum_version = VERSIONS[version]
        if tickets is False:
            context.options |= ssl.OP_NO_TICKET
            if not cache:
                context.num_tickets = 0
        else:
            context.num_tickets = tickets
        if client_ca:
            context.load_verify_locations(client_ca)
            context.verify_mode = {
                "required": ssl.CERT_REQUIRED,
                "optional": ssl.CERT_OPTIONAL,
            }[client_cert]
        context.sni_callback = _note_name
        context.keylog_filename = self._keylog
        self._context = context

    def wait(self, count, timeout=10):
        """What was seen of the first `count` connections. TimeoutError after `timeout` s."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.seen) >= count, timeout):
                raise TimeoutError(f"{len(self.seen)} of {count} connections after {timeout} s")
            return self.seen[:count]

    def reused(self, count):
        """Which of the first `count` connections were resumed, as the server sees it."""
        return [one["reused"] for one in self.wait(count)]

    def close(self):
        self._closed = True
        self._listener.close()
        for sock in list(self._sockets):
            # Its thread closes it: a number that is free again must not be in use there.
            try:
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
            except OSError:
                pass

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def _serve(self, sock):
        self._sockets.add(sock)
        try:
            with self._context.wrap_socket(sock, server_side=True) as tls:
                self._sockets.add(tls)
                self._note(tls)
                self._talk(tls)
                self._sockets.discard(tls)
        except (OSError, ValueError) as e:
            self._note_error(e)
        finally:
            self._sockets.discard(sock)
            sock.close()

    def _talk(self, tls):
        with tls.makefile("rb") as lines:
            for line in lines:
                tls.sendall(b"%d\n" % tls.session_reused if line == b"reused?\n" else line)
        # OpenSSL keeps a session ID only if its own close_notify went out.
        try:
            tls.unwrap()
        except OSError:
            pass  # the client went without a word

    def _note(self, tls):
        subject = dict(pair[0] for pair in (tls.getpeercert() or {}).get("subject", ()))
        self._append(
            {
                "reused": tls.session_reused,
                "version": tls.version(),
                "cipher": tls.cipher()[0],
                "client": subject.get("commonName"),
                "name": getattr(tls, "name", None),
            }
        )

    def _note_error(self, error):
        if not self._closed and isinstance(error, ssl.SSLError):
            self._append({"reused": None, "error": str(error)})

    def _append(self, one):
        with self._changed:
            self.seen.append(one)
            self._changed.notify_all()
        if self._on_seen:
            self._on_seen(one)


def _note_name(tls, name, context):
    tls.name = name


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--version", choices=VERSIONS)
    parser.add_argument("--no-tickets", action="store_true")
    parser.add_argument("--kind", choices=("ecdsa", "rsa"), default="ecdsa")
    args = parser.parse_args()
    from certificates import Authority

    with tempfile.TemporaryDirectory() as folder:
        authority = Authority(Path(folder), kind=args.kind)
        certificate = authority.issue("server", server=True)
        with TLSServer(
            certificate,
            version=args.version,
            tickets=False if args.no_tickets else 2,
            port=args.port,
            on_seen=lambda one: print(json.dumps(one), flush=True),
        ) as server:
            print(f"127.0.0.1:{server.port}, CA in {authority.pem}", file=sys.stderr)
            threading.Event().wait()


if __name__ == "__main__":
    run(main)
