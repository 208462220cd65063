"""What an editor has to know of tlsresume, and what it has to object to: read by
tools/typecheck.py, not run. Each `ignore` names an error that has to be there."""

# pyright: reportUnnecessaryTypeIgnoreComment=true

import socket
from typing import assert_type

import tls
import tlsresume
from tlsresume.store import File, RTCKey, Sealed


class Dictionary:
    """A storage of one's own."""

    kept: bytes | None = None

    def load(self):
        return self.kept

    def save(self, data: bytearray):
        self.kept = bytes(data)


class WriteOnly:
    def save(self, data: bytearray):
        pass


ctx = tlsresume.SSLContext(tls.PROTOCOL_TLS_CLIENT, storage=Dictionary())
sealed = tlsresume.SSLContext(tls.PROTOCOL_TLS_CLIENT, storage=Sealed(File("s"), RTCKey()))
off = tlsresume.SSLContext(tls.PROTOCOL_TLS_CLIENT, sessions=False)
ctx.verify_mode = tls.CERT_REQUIRED
sock = ctx.wrap_socket(socket.socket(), server_hostname="example.com")

assert_type(sock, tlsresume.SSLSocket)
assert_type(sock.session_reused, bool | None)
assert_type(sock.session, tlsresume.SSLSession | None)
assert_type(sock.read(1), bytes | None)
assert_type(ctx.save(), bool)
assert_type(ctx.sessions, tlsresume.SessionCache)
assert_type(ctx.session_stats()["hits"], int)
assert_type(tlsresume.install(), tlsresume.SessionCache)
assert_type(tlsresume.poll(), int | None)
tlsresume.report(ctx)
tlsresume.report(ctx.sessions)

print(sock.sesion_reused)  # pyright: ignore[reportAttributeAccessIssue]
sock.session_reused = True  # pyright: ignore[reportAttributeAccessIssue]
sock.session = b"a session"  # pyright: ignore[reportAttributeAccessIssue]
print(ctx.seve())  # pyright: ignore[reportAttributeAccessIssue]
ctx.verify = tls.CERT_NONE  # pyright: ignore[reportAttributeAccessIssue]
tlsresume.instal()  # pyright: ignore[reportAttributeAccessIssue]
tlsresume.report(sock)  # pyright: ignore[reportArgumentType]
tlsresume.SSLContext(tls.PROTOCOL_TLS_CLIENT, storage=WriteOnly())  # pyright: ignore[reportArgumentType]
tlsresume.SSLContext(tls.PROTOCOL_TLS_CLIENT, sessions=True)  # pyright: ignore[reportArgumentType]
tlsresume.SSLContext(tls.PROTOCOL_TLS_CLIENT, session=None)  # pyright: ignore[reportCallIssue]
ctx.wrap_socket(socket.socket(), session=b"")  # pyright: ignore[reportArgumentType]

# What is the package's own.
print(ctx._configuration)  # pyright: ignore[reportAttributeAccessIssue]
print(ctx.sessions.pull)  # pyright: ignore[reportAttributeAccessIssue]
print(tlsresume.harvest)  # pyright: ignore[reportAttributeAccessIssue]
