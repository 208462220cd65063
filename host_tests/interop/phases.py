"""One row of the table: what becomes of a session, phase by phase."""

import time
from contextlib import ExitStack, closing
from dataclasses import dataclass

from counting_proxy import CountingProxy
from daemons import ServerError
from interop.client import Client
from interop.servers import Pair

FIRST = "first"  # a full handshake: the client has forgotten all sessions
PHASES = ("again", "reload", "restart", "timeout")  # the columns of the table
RECOVERED = "recovered"  # once more after the restart
TIMEOUT = 3  # s that a server keeps sessions in the last phase: more than a slow handshake

# What can become of a session: "expired" is the client's decision, all else the server's.
YES, DECLINED, NONE, EXPIRED, REFUSED = "yes", "declined", "none given", "expired", "refused"
_MISSES = {"empty": NONE, "expired": EXPIRED}


@dataclass
class Connection:
    """What became of the session, by us; and was it resumed: by the wire, by the server."""

    phase: str
    outcome: str
    wire: bool | None = None
    word: bool | None = None
    error: str | None = None


@dataclass
class Result:
    connections: list
    word: str | None  # where the server says what it resumed
    version: str

    def outcome(self, phase):
        """Of a phase: its outcome, or how many of several were "yes"; None if there was none."""
        outcomes = [one.outcome for one in self.connections if one.phase == phase]
        if len(set(outcomes)) > 1:
            return f"{outcomes.count(YES)} of {len(outcomes)}"
        return outcomes[0] if outcomes else None


def run(row, site):
    """Connect phase by phase; returns a Result. Missing: no such server here."""
    with ExitStack() as stack:
        server = Pair(lambda: row.start(site)) if row.pair else row.start(site)
        stack.enter_context(closing(server))
        proxy = stack.enter_context(CountingProxy(None))
        firmware = site.micropython if row.tls13 else site.micropython_tls12
        own = site.client if row.client_certificate else None
        client = Client(firmware, proxy.port, site.ca_der, own, row.reuse_tickets)
        stack.enter_context(closing(client))
        observer = Observer(server, proxy, client, len(site.certificate_der))
        for phase in _phases(server):
            observer.connect(phase)
        return Result(observer.connections, server.word, server.version())


def _phases(server):
    """Yield the phases, with the server in the state for each."""
    yield FIRST
    for _ in range(3):
        yield "again"
    if server.reload_signal:
        yield FIRST
        try:
            server.reload()
            yield "reload"
        except ServerError:  # it has ended
            yield "reload"
            server.restart()
    yield FIRST
    server.restart()
    yield "restart"
    yield RECOVERED
    if server.times_out:
        server.restart(timeout=TIMEOUT)
        yield FIRST
        time.sleep(TIMEOUT + 1)  # servers count whole seconds
        yield "timeout"


class Observer:
    """Connects, and notes what all sides say. Resumed, at least `margin` bytes less come in."""

    def __init__(self, server, proxy, client, margin):
        self.connections = []
        self._server, self._proxy, self._client = server, proxy, client
        self._margin = margin

    def connect(self, phase):
        if phase == FIRST:
            self._client.forget()
        self._proxy.target = self._server.next_port()
        told = self._client.talk(self._server.request, self._server.answer)
        connection = Connection(phase, _outcome(told), error=told.get("error"))
        self.connections.append(connection)
        if connection.outcome != REFUSED:
            connection.wire = self._wire()
            connection.word = self._word(told)

    def _wire(self):
        """Whether the bytes of a certificate did not come in."""
        full, last = self._proxy.counts[0][1], self._proxy.counts[-1][1]
        return last <= full - self._margin

    def _word(self, told):
        if self._server.word is None:
            return None
        if self._server.said_in_answer:
            return self._server.said_in_answer in told["answer"]
        number = sum(one.outcome != REFUSED for one in self.connections)
        give_up = time.monotonic() + 30
        while len(words := self._server.reused()) < number:
            if time.monotonic() > give_up:
                raise TimeoutError(f"{self._server.program} has said {words}, not {number} words")
            time.sleep(0.01)
        return words[number - 1]


def _outcome(told):
    if "error" in told:
        return REFUSED
    if told["reused"]:
        return YES
    return DECLINED if told["offered"] else _MISSES[told["miss"]]
