# asyncio streams, with a context of one's own. HOST, PORT and CA stand before it.
import asyncio
import tls

import tlsresume

ctx = tlsresume.SSLContext(tls.PROTOCOL_TLS_CLIENT)
ctx.load_verify_locations(CA)


async def ask(text):
    reader, writer = await asyncio.open_connection(
        HOST, PORT, ssl=ctx, server_hostname="localhost"
    )
    writer.write(text)
    await writer.drain()
    answer = await reader.readline()
    print(answer, "resumed", writer.s.session_reused)
    writer.close()
    await writer.wait_closed()


async def main():
    for _ in range(3):
        await ask(b"hello\n")


asyncio.run(main())
