"""An HTTPS server that answers as soon as the request is whole, and closes."""

import asyncio
import ssl
import threading


class HastyServer:
    """Gives `size` bytes to whoever connects to 127.0.0.1, port `port`, and asks.

    `certificate` is a path without suffix, `version` a ssl.TLSVersion. `surplus` has the bytes a
    connection that came along with the end of its request: with what comes later TCP resets the
    connection (RFC 9293 3.10.7.4), and a client may lose the answer.
    """

    def __init__(self, certificate, version, size):
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(f"{certificate}.pem", f"{certificate}.key")
        self._context.minimum_version = self._context.maximum_version = version
        self._answer = b"HTTP/1.0 200 OK\r\n\r\n" + bytes(size)
        self.surplus = []
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._context)
        )
        self.port = self._server.sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def close(self):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._server.close()
        self._loop.close()

    async def _serve(self, reader, writer):
        try:
            await reader.readuntil(b"\r\n\r\n")
            self.surplus.append(bytes(reader._buffer))  # read() would wait for more
            writer.write(self._answer)
            await writer.drain()
            writer.close()
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client went first
