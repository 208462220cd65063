"""A TCP listener with a thread a connection, for the test servers."""

import socket
import threading
from contextlib import suppress


class Listener:
    """Calls `serve(sock)` in a thread for each connection to `port` of `address`.

    `serve` owns the socket; what it does after `close()` is its own affair.
    """

    def __init__(self, serve, address="127.0.0.1", port=0):
        self._serve = serve
        self._socket = socket.create_server((address, port), backlog=128)
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self):
        # Woken before the number of the socket is free for another listener.
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def _accept(self):
        while True:
            try:
                sock, _ = self._socket.accept()
            except OSError:
                return
            with suppress(OSError):  # whoever connected has gone
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()
