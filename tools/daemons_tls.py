"""More servers of TLS itself: stunnel, Mbed TLS's own, and MicroPython's."""

import signal

from daemons import Daemon


class Stunnel(Daemon):
    """stunnel before an echo; `options` are lines of its service."""

    package, program = "stunnel4", "stunnel"
    word = '"previous session reused" in its log'
    said_resumed = "TLS accepted: previous session reused"
    said_full = "TLS accepted: new session negotiated"
    reload_signal = signal.SIGHUP
    said_reloaded = ") bound to "
    times_out = True
    version_arguments = ("-version",)

    def __init__(self, certificate, options="", **kwargs):
        self.settings = certificate, options
        super().__init__(**kwargs)

    def arguments(self):
        certificate, options = self.settings
        config = self.folder / "stunnel.conf"
        config.write_text(f"""
foreground = yes
debug = info
pid =
[echo]
accept = {self.address}:{self.port}
cert = {certificate}.pem
key = {certificate}.key
exec = /bin/cat
execArgs = cat
sessionCacheTimeout = {self.timeout}
{options}
""")
        return [config]


class SSLServer2(Daemon):
    """Mbed TLS's own server, at the path `program`; `options` are its own ("tickets=0")."""

    request, answer = b"hello\n", b"</p>\r\n"
    word = "its debug messages"
    said_resumed = "session successfully restored|key exchange mode: psk_ephemeral"
    said_full = "=> write certificate\n"
    times_out = True
    version_arguments = ("build_version=1",)

    def __init__(self, program, certificate, *options, **kwargs):
        self.program = str(program)
        self.settings = certificate, options
        super().__init__(**kwargs)

    def arguments(self):
        certificate, options = self.settings
        files = [f"crt_file={certificate}.pem", f"key_file={certificate}.key"]
        times = [f"cache_timeout={self.timeout}", f"ticket_timeout={self.timeout}"]
        where = [f"server_addr={self.address}", f"server_port={self.port}"]
        return [*where, *files, *times, "debug_level=3", *options]


class MicroPython(Daemon):
    """An echo on MicroPython's `tls`, of the unix port at the path `program`."""

    version_arguments = ("-c", "import sys; print('%d.%d.%d' % sys.implementation.version[:3])")

    def __init__(self, program, certificate, **kwargs):
        self.program = str(program)
        self.certificate = certificate
        super().__init__(**kwargs)

    def arguments(self):
        return [
            "-c",
            f"""
import socket, tls
ctx = tls.SSLContext(tls.PROTOCOL_TLS_SERVER)
with open("{self.certificate}.der", "rb") as cert, open("{self.certificate}.key.der", "rb") as key:
    ctx.load_cert_chain(cert.read(), key.read())
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(socket.getaddrinfo("{self.address}", {self.port})[0][-1])
listener.listen(5)
while True:
    s = listener.accept()[0]
    try:
        s = ctx.wrap_socket(s, server_side=True)
        s.write(s.readline())
    except OSError:
        pass
    s.close()
""",
        ]
