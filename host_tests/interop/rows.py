"""Servers, their configurations, and what is to become of a session with each."""

from collections.abc import Callable
from dataclasses import dataclass

from interop.phases import DECLINED, EXPIRED, PHASES, YES


@dataclass(frozen=True)
class Expected:
    outcome: str
    why: str | None = None


@dataclass(frozen=True)
class Row:
    """`start(site)` starts the server; `expected` has an Expected a phase, None where the server
    knows no such thing. `pair`: two such servers take the connections in turn. `tls13`: whether
    the client's firmware has it. `recovers`: whether it resumes again after a restart.
    `partner` starts another server, which takes the connections in turn with the first.
    `since`: a version of the server, and what is expected in place of `expected` from it on."""

    server: str
    configuration: str
    start: Callable
    expected: tuple
    key: str = "ECDSA"
    client_certificate: bool = False
    pair: bool = False
    reuse_tickets: bool = False
    tls13: bool = True
    recovers: bool = True
    partner: Callable | None = None
    since: tuple | None = None

    def __str__(self):
        return f"{self.server}, {self.label()}"

    def label(self):
        told = [self.configuration]
        told += ["RSA"] * (self.key == "RSA")
        told += ["client certificate"] * self.client_certificate
        told += ["two servers in turn"] * self.pair
        told += ["`reuse_tickets`"] * self.reuse_tickets
        told += ["a firmware without TLS 1.3"] * (not self.tls13)
        return ", ".join(told)

    def outcomes(self, version):
        expected = self.expected
        if self.since and _numbers(version) >= _numbers(self.since[0]):
            expected = self.since[1]
        return {p: e and e.outcome for p, e in zip(PHASES, expected, strict=True)}


def _numbers(version):
    return [int(number) for number in version.split(".")]


RESUMED = Expected(YES)

# What is lost.
KEYS = Expected(DECLINED, "its ticket keys are random and in its memory: it made new ones")
CACHE = Expected(DECLINED, "its session IDs are in its memory, and went with it")
HINT = Expected(
    EXPIRED,
    "the lifetime hint of the ticket had passed (RFC 5077 3.3, RFC 8446 4.6.1): not offered",
)
FORGOT = Expected(DECLINED, "an ID has no lifetime: offered, and the server had dropped it")
OTHER = Expected(DECLINED, "the session is the other server's, and each has its own keys")
ONCE = Expected(
    "2 of 3",
    "the server sends no new ticket when it resumes, and we use a ticket once (RFC 8446 C.4):"
    " two came with the full handshake, and the third connection is full again",
)

ANOTHER_GROUP = "tickets, asks for another group"  # by a HelloRetryRequest (RFC 8446 4.1.4)

# Whole rows.
TICKETS = RESUMED, KEYS, KEYS, HINT
TICKETS_FOR_GOOD = RESUMED, None, KEYS, None
SHARED_KEYS = RESUMED, RESUMED, RESUMED, HINT
TICKETS_ONCE = ONCE, KEYS, KEYS, HINT
SHARED_KEYS_ONCE = ONCE, RESUMED, RESUMED, HINT
STRANGERS = OTHER, OTHER, OTHER, HINT
IDS_FOR_GOOD = RESUMED, None, CACHE, None


def never(outcome, why, timeout=False, reload=True):
    """A row of a server that does not resume, and cannot be told a `timeout`, or to `reload`."""
    no = Expected(outcome, why)
    return no, no if reload else None, no, no if timeout else None
