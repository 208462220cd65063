"""TLS session resumption for MicroPython: the next handshake is a short one."""

from typing import Any, Callable, Iterator, Literal, Protocol, TypeAlias

_Buffer: TypeAlias = bytes | bytearray | memoryview
_Fingerprint: TypeAlias = bytes | tuple

class _KeyHolder(Protocol):
    def key(self) -> bytes: ...

_Key: TypeAlias = _Buffer | _KeyHolder

class _Storage(Protocol):
    def load(self) -> _Buffer | None: ...
    def save(self, data: bytearray, /) -> object: ...

__version__: str
available: bool
"""Whether the firmware has the C module. Without it everything connects, and nothing resumes."""

class SessionCache:
    """A bounded cache of sessions, the most recently used first.

    Contexts may share one; a session is found by host, port and security configuration alone.
    """

    vhost: str
    max: int
    timeout: int
    def __init__(self, vhost: str = "default", max: int = 0, timeout: int = 0) -> None:
        """`vhost`: its name. `max` entries (0: 10). `timeout` in seconds (0: what the server says,
        else 300). Raises ValueError for a negative number."""

    def get(
        self, host: str, port: int | None, fingerprint: _Fingerprint = b""
    ) -> bytearray | None:
        """The newest session for `host` (in lower case) and `port`, or None. `fingerprint` is
        that of the context that earned it."""

    def put(
        self,
        host: str,
        port: int | None,
        session: _Buffer,
        lifetime: int = 0,
        fingerprint: _Fingerprint = b"",
    ) -> None:
        """Keep a copy of `session`, for `lifetime` seconds at most (0: not said)."""

    def remove(self, host: str, port: int | None, fingerprint: _Fingerprint | None = None) -> None:
        """Forget what is known of `host` and `port`."""

    def clear(self) -> None:
        """Forget all sessions. The statistics stay."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[str]:
        """`name.host.port` of each entry, most recently used first."""

class SSLSession:
    """A session in your own hands, as CPython's `ssl.SSLSession`. It is a secret.

    It is offered only to the server, and under the configuration, that it was earned with.
    """

    def __init__(self, buf: _Buffer) -> None:
        """Load what `serialize()` gave. Raises ValueError for anything else, and as long as the
        clock is not set."""

    def serialize(self) -> bytes:
        """The session as bytes: `bytes(session)`, too. Raises ValueError for one that was earned
        with a callback."""

    def age(self) -> int:
        """Seconds since it was made."""

    @property
    def id(self) -> bytes:
        """The session ID; empty for a session that has a ticket."""

    @property
    def time(self) -> int:
        """When it was negotiated, in seconds of C's `time()`; 0 for TLS 1.3."""

    @property
    def timeout(self) -> int:
        """Seconds that it may live: the server's hint, else 300."""

    @property
    def ticket_lifetime_hint(self) -> int:
        """The server's hint in seconds, 0 for none."""

    @property
    def has_ticket(self) -> bool: ...
    def __iter__(self) -> Iterator[int]: ...

class SSLSocket:
    """MicroPython's own SSLSocket, which knows its session.

    A stream: `read`, `write`, `select` and asyncio work as they do on upstream's.
    """

    @property
    def session_reused(self) -> bool | None:
        """Whether the server has resumed a session: False until the handshake has ended, None
        after `close()`. A firmware without the C module has no such attribute."""

    @property
    def session(self) -> SSLSession | None:
        """The session of this connection, None as long as it has none. Before the handshake, set
        it to the SSLSession that shall be offered."""

    @session.setter
    def session(self, session: SSLSession) -> None: ...
    def read(self, size: int = -1, /) -> bytes | None: ...
    def readinto(self, buf: bytearray | memoryview, nbytes: int = -1, /) -> int | None: ...
    def readline(self, size: int = -1, /) -> bytes | None: ...
    def write(self, buf: _Buffer | str, offset: int = 0, length: int = -1, /) -> int | None: ...
    def setblocking(self, flag: bool, /) -> None: ...
    def getpeercert(self, binary_form: bool, /) -> bytes | None:
        """The peer's certificate (DER). None after a resumption: it has shown none."""

    def cipher(self) -> tuple[str, str]: ...
    def close(self) -> None:
        """Keep the session, and close."""

class SSLContext:
    """MicroPython's `tls.SSLContext`; its client connections resume by themselves.

    Configure it before `wrap_socket`. What your firmware's `tls` has beyond this, it has, too.
    """

    sessions: SessionCache
    verify_mode: int
    verify_callback: Callable[[_Buffer, int], object] | None
    def __init__(
        self,
        protocol: int,
        sessions: SessionCache | Literal[False] | None = None,
        storage: _Storage | None = None,
        *,
        reuse_tickets: bool = False,
        ticket_key: _Key | tuple[_Key, _Key] | None = None,
        ticket_lifetime: int = 86400,
    ) -> None:
        """`protocol`: `tls.PROTOCOL_TLS_CLIENT`, or `tls.PROTOCOL_TLS_SERVER`.

        `sessions`: a SessionCache to share, False for none, None for one of its own.
        `storage`: where sessions are kept across sleep and reboot, see `tlsresume.store`.
        `reuse_tickets`: offer a TLS 1.3 ticket again and again (RFC 8446 C.4 advises against it).
        `ticket_key`, of a server: 32 bytes, an `RTCKey`, or a tuple of the current key and the one
        before; None: a key of this start. `ticket_lifetime`: seconds that its tickets are good.
        Raises ValueError for a storage that takes nothing but what is sealed, and for a bad key.
        """

    def load_verify_locations(
        self, cafile: str | _Buffer | None = None, cadata: str | _Buffer | None = None
    ) -> None:
        """Trust the CAs in `cafile` (a path) or in `cadata` (PEM or DER). Raises OSError,
        ValueError."""

    def load_cert_chain(self, certfile: str | _Buffer, keyfile: str | _Buffer) -> None:
        """Present this certificate: paths, or PEM or DER data. Raises OSError, ValueError."""

    def get_ciphers(self) -> list[str]: ...
    def set_ciphers(self, ciphers: list[str]) -> None:
        """Allow these, of the names that `get_ciphers` gives. Raises OSError for others."""

    def wrap_socket(
        self,
        sock: Any,
        server_side: bool = False,
        do_handshake_on_connect: bool = True,
        server_hostname: str | None = None,
        client_id: _Buffer | None = None,
        *,
        session: SSLSession | None = None,
        server_port: int | None = None,
        nodelay: bool | None = None,
    ) -> SSLSocket:
        """Start TLS on `sock`, and resume if it can be.

        `server_hostname`: the server's name, which its certificate has to be for. `session`: offer
        this one. `server_port`: the port, where the socket cannot tell, or a proxy's would be
        found. `nodelay`: TCP_NODELAY for the handshake alone (None; of a server for good), for
        good (True), or as it is (False). Raises what `tls` raises; ValueError for a `session` of
        another server or configuration.
        """

    @property
    def num_tickets(self) -> int:
        """How many tickets a server gives after a full handshake of TLS 1.3 (2)."""

    @num_tickets.setter
    def num_tickets(self, number: int) -> None: ...
    def set_ticket_key(self, key: _Key | tuple[_Key, _Key]) -> None:
        """Seal a server's tickets with `key` from here on. Raises ValueError, TypeError."""

    def session_stats(self) -> dict[str, int]:
        """Counters of the cache, by name: lib/README.md says what they mean."""

    def fingerprint(self) -> _Fingerprint:
        """What stands for the security configuration in the cache."""

    def save(self) -> bool:
        """Write the sessions to the storage now, as before `machine.deepsleep()`.

        Returns whether they were written. Raises ValueError where there is no storage.
        """

def poll() -> int | None:
    """Take the sessions that connections have to give: for a main loop without asyncio.

    Returns the ms until the next call is worth it, None when nothing is awaited. Does not block,
    and raises nothing.
    """

def use_timer(timer: Any) -> None:
    """Let `timer`, a `machine.Timer` that is free, do what `poll()` does; None: no longer."""

def install(cache: SessionCache | None = None, nodelay: bool | None = None) -> SessionCache:
    """From here on `ssl` and `tls`, as other modules see them, make contexts that resume.

    All share `cache`, or a new one, which is returned. `nodelay` is that of their `wrap_socket`.
    """

def uninstall() -> None:
    """Put everything back. What was connected stays connected; the cache is cleared."""

def report(of: SSLContext | SessionCache | None = None) -> None:
    """Print why it is not resuming: what a context's cache holds, and why the last connection
    found nothing there. Without an argument, of the cache that install() shares."""
