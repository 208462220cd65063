"""A page and its pictures from the board, with microdot: browsers resume.

1. `mpremote cp -r build/libraries/microdot :lib/`, which `make libraries` gets from PyPI, and
   `mpremote cp cert.pem key.pem :`, the board's certificate and key.
2. Let the board join a network and know the time (`ntptime.settime()`), as in its boot.py.
3. `mpremote run lib/examples/with_microdot.py`, and open https://ADDRESS:4443/ of the board.
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


app.run(port=PORT, ssl=ctx)  # type: ignore  # it names CPython's class
