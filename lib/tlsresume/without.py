"""What the package is in a firmware without `_tlsresume`: it connects, and never resumes."""

from .cache import NoSessions
from .config import Config

WARNING = (
    "tlsresume: this firmware has no _tlsresume module; connections do not resume."
    " Build it with USER_C_MODULES=.../tlsresume/firmware."
)


class SSLContext(Config):
    """MicroPython's `tls.SSLContext` with the API of ours, and no sessions."""

    def __init__(self, protocol, sessions=None, storage=None, *, reuse_tickets=False):
        super().__init__(protocol)
        self.sessions = NoSessions()
        _warn()

    def wrap_socket(
        self,
        sock,
        server_side=False,
        do_handshake_on_connect=True,
        server_hostname=None,
        client_id=None,
        **unused,
    ):
        return self._native(sock, server_side, do_handshake_on_connect, server_hostname, client_id)

    def save(self):
        """Nothing is ever written."""
        return False


def poll():
    """Nothing is ever awaited."""
    return None


def use_timer(timer):
    pass


_warned = False


def _warn():
    global _warned
    if not _warned:
        _warned = True
        print(WARNING)
