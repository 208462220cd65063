"""microdot's server, on CPython."""

import sys

from daemons import Daemon
from libraries import libraries

SERVE = """
import ssl, sys
folder, certificate, host, port = sys.argv[1:]
sys.path.append(folder)
from microdot import Microdot
from microdot.websocket import with_websocket
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate + ".pem", certificate + ".key")
app = Microdot()
@app.get("/")
async def index(request):
    print(context.session_stats()["hits"], flush=True)
    return "hello"
@app.get("/echo")
@with_websocket
async def echo(request, ws):
    print(context.session_stats()["hits"], flush=True)
    while True:
        await ws.send(await ws.receive())
app.run(host=host, port=int(port), ssl=context)
"""


class MicrodotServer(Daemon):
    """Says "hello" at "/", and what it is told at "/echo", a WebSocket."""

    program = sys.executable

    def __init__(self, certificate, **kwargs):
        self.certificate = certificate
        super().__init__(**kwargs)

    def arguments(self):
        return ["-c", SERVE, libraries(), self.certificate, self.address, self.port]

    def reused(self):
        """How many sessions were resumed up to the last request, by OpenSSL's word."""
        return int((self.folder / "output").read_text().split()[-1])
