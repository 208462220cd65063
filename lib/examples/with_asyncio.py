"""asyncio streams, with a context of one's own: all but the first connection resume.

1. `mpremote cp ca.pem :`, the CA of the server below.
2. Let the board join a network and know the time (`ntptime.settime()`), as in its boot.py.
3. `mpremote run lib/examples/with_asyncio.py`
"""

import asyncio
import tls

import tlsresume

HOST = "example.com"
PORT = 443
CA = "ca.pem"

ctx = tlsresume.SSLContext(tls.PROTOCOL_TLS_CLIENT)
ctx.load_verify_locations(CA)


async def get(path):
    reader, writer = await asyncio.open_connection(HOST, PORT, ssl=ctx, server_hostname=HOST)
    writer.write(f"GET {path} HTTP/1.0\r\nHost: {HOST}\r\n\r\n".encode())
    await writer.drain()
    answer = await reader.read(-1)
    socket = getattr(writer, "s", None)
    print(len(answer), "bytes resumed", getattr(socket, "session_reused", None))
    writer.close()
    await writer.wait_closed()


async def main():
    for _ in range(3):
        await get("/")


asyncio.run(main())
