"""asyncio streams, with a context of one's own, to a server that echoes lines."""

import asyncio
import tls

import tlsresume

HOST = "example.com"
PORT = 443
NAME = HOST
CA = "ca.pem"

ctx = tlsresume.SSLContext(tls.PROTOCOL_TLS_CLIENT)
ctx.load_verify_locations(CA)


async def ask(text):
    reader, writer = await asyncio.open_connection(HOST, PORT, ssl=ctx, server_hostname=NAME)
    writer.write(text)
    await writer.drain()
    answer = await reader.readline()
    print(answer, "resumed", writer.s.session_reused)  # type: ignore
    writer.close()
    await writer.wait_closed()


async def main():
    for _ in range(3):
        await ask(b"hello\n")


asyncio.run(main())
