"""A page and its pictures from the board, with microdot: browsers that come back resume.

1. Put microdot of PyPI, the board's certificate and its key (ECDSA) on the board.
2. Connect the board to the network, and run this.
3. Load https://BOARD:4443/ twice, then /statistics there: `hits` are resumed connections.
"""

import tls
from microdot import Microdot

import tlsresume

CERTIFICATE = "cert.pem"
KEY = "key.pem"
PORT = 4443

ctx = tlsresume.SSLContext(tls.PROTOCOL_TLS_SERVER)
ctx.load_cert_chain(CERTIFICATE, KEY)

PAGE = "<h1>The board</h1>" + "".join(f"<img src=/picture/{n}>" for n in range(8))
PICTURE = "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>"

app = Microdot()


@app.get("/")
async def index(request):
    return PAGE, {"Content-Type": "text/html"}


@app.get("/picture/<int:n>")
async def picture(request, n):
    return PICTURE, {"Content-Type": "image/svg+xml"}


@app.get("/statistics")
async def statistics(request):
    return ctx.session_stats()


app.run(port=PORT, ssl=ctx)
