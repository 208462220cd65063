"""How long ago a server has proved who it is bounds all that resumes, whatever it gives."""

import datetime

import pytest
from prelude import MEMORY

HOUR, DAY = 3600, 86400
SCRIPT = "ticket", "read", b"hello\n"
VERSIONS = {"1.2": 0x0303, "1.3": 0x0304}
versions = pytest.mark.parametrize(
    "version, ceiling", (("1.2", DAY), ("1.3", 7 * DAY)), ids=VERSIONS
)

CLOCKS = f"""{MEMORY}
from hashlib import sha256
from tlsresume import snapshot
from tlsresume.clock import START
wall = snapshot.now()
snapshot.now = lambda: wall
class Clock:
    "A board's: it begins anew at each start."
    def __init__(self):
        self.seconds = START
    def now(self):
        return self.seconds
def context(**kwargs):
    global clock
    clock = Clock()
    return client(sessions=tlsresume.SessionCache(clock=clock, timeout=30 * 86400), **kwargs)
def wait(seconds):
    global wall
    clock.seconds += seconds
    wall += seconds
def kept(ctx):
    "What is kept of the sessions, to tell one from another."
    len(ctx.sessions)
    return [sha256(x[3]).digest() for x in ctx.sessions.sessions()]
"""

EACH_HOUR = """
ctx = context()
fulls, all = [], []
for hour in range(HOURS):
    if not once(ctx, PORT):
        fulls.append(hour)
    all += kept(ctx)
    wait(3600)
result(fulls=fulls, all=len(set(all)))
"""

# Half of each hour awake, half asleep.
EACH_HOUR_ASLEEP = """
storage = Memory()
fulls, all = [], []
for hour in range(HOURS):
    ctx = context(storage=storage)
    if not once(ctx, PORT):
        fulls.append(hour)
    all += kept(ctx)
    wait(1800)
    assert ctx.save()
    wall += 1800
result(fulls=fulls, all=len(set(all)))
"""


@pytest.fixture
def renewing(tickets):
    """The port of a server of a version whose resumptions all bring a new ticket."""

    def renewing(version):
        script = SCRIPT if version == "1.3" else SCRIPT[1:]
        return tickets(script, version=VERSIONS[version], renews=True).port

    return renewing


@versions
def test_new_tickets_do_not_renew_the_proof(run, renewing, version, ceiling):
    hours = 2 * ceiling // HOUR + 1
    got = run(CLOCKS + EACH_HOUR, PORT=renewing(version), HOURS=hours, timeout=300)
    assert got["fulls"] == [0, ceiling // HOUR, 2 * ceiling // HOUR]
    assert got["all"] == hours


@versions
def test_nor_do_they_across_sleep_and_reboot(run, renewing, version, ceiling):
    hours = ceiling // HOUR + 3
    got = run(CLOCKS + EACH_HOUR_ASLEEP, PORT=renewing(version), HOURS=hours, timeout=300)
    assert got["fulls"] == [0, ceiling // HOUR]
    assert got["all"] == hours


UNTIL = """
ctx = context(storage=Memory()) if STORED else context()
reused = []
for seconds in (0, 1200, 1200, 1100, 110):
    wait(seconds)
    if STORED and seconds:
        storage = Memory()
        storage.save(snapshot.dump(ctx.sessions))
        ctx = context(storage=storage)
    reused.append(once(ctx, PORT))
    kept(ctx)
result(reused=reused)
"""


@pytest.mark.parametrize("stored", (False, True), ids=("kept", "stored"))
@pytest.mark.parametrize("version", VERSIONS)
def test_nothing_resumes_when_the_servers_certificate_has_ended(
    run, server, certs, version, stored
):
    """The clock of the cache alone goes on: the certificate is still good in a full handshake."""
    end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=HOUR)
    s = server(version=version, certificate=certs.ca.issue("hour", server=True, until=end))
    got = run(CLOCKS + UNTIL, PORT=s.port, STORED=stored)
    assert got["reused"] == [False, True, True, True, False] == s.reused(5)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_certificate_that_lasts_does_not_shorten_a_session(run, server, version):
    s = server(version=version)
    got = run(CLOCKS + UNTIL, PORT=s.port, STORED=False)
    assert got["reused"] == [False, True, True, True, True] == s.reused(5)


def test_a_clock_that_was_not_set_says_nothing_of_a_certificate(run, server, certs):
    end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=HOUR)
    s = server(version="1.2", certificate=certs.ca.issue("hour", server=True, until=end))
    unset = "tlsresume.harvest.clock_is_set = lambda: False\n"
    got = run(CLOCKS + unset + UNTIL, PORT=s.port, STORED=False)
    assert got["reused"] == [False, True, True, True, True] == s.reused(5)
