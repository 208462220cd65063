"""The end of a connection: what ends a program goes through, what waits is bounded and freed."""

import checked
import pytest
from prelude import STREAM

versions = pytest.mark.parametrize("version", ("1.2", "1.3"))


@versions
@pytest.mark.parametrize("request_", (3, "write", "read"))
@pytest.mark.parametrize(
    "error", ("KeyboardInterrupt", "SystemExit", "OSError", "ValueError", "MemoryError")
)
def test_what_ends_a_program_goes_through_a_close_and_nothing_else_does(
    run, server, version, request_, error
):
    """Raised by a stream in Python below, in a look for tickets or in the close_notify."""
    s = server(version=version)
    got = run(
        STREAM
        + """
armed = []
def on(request):
    if armed and request == REQUEST:
        armed.pop()
        raised.append(0)
        raise ERROR
raised, closed = [], []
class Watched(Stream):
    def ioctl(self, request, arg):
        if request == 4:
            closed.append(0)
        return super().ioctl(request, arg)
ctx = client()
s = ctx.wrap_socket(Watched(on), server_hostname="localhost", server_port=PORT)
assert echo(s) == b"hello\\n"
armed.append(0)
try:
    s.close()
    went_through = False
except ERROR:
    went_through = True
armed.clear()
result(raised=len(raised), went_through=went_through, closed=len(closed), kept=len(ctx.sessions),
    again=s.close(), next=once(ctx, PORT))
""".replace("ERROR", error),
        PORT=s.port,
        REQUEST=request_,
    )
    ends = error in ("KeyboardInterrupt", "SystemExit")
    assert got["went_through"] is (ends and got["raised"] == 1)
    assert got["raised"] == (0 if request_ == "read" else 1)
    assert got["closed"] == 1 and got["kept"] == 1 and got["next"] is True


CROWD = """
from tlsresume import harvest
harvest.DELAY = 10**6  # nothing is taken of what is open
ctx = client(sessions=tlsresume.SessionCache(max=100))
crowd = [connect(ctx, PORT, server_port=n) for n in range(COUNT)]
for s in crowd:
    assert echo(s) == b"hello\\n"
tlsresume.poll()
for s in crowd:
    s.close()
waiting = []
take = harvest._tlsresume.take
while True:
    taken = take(10**6)
    if taken is None:
        break
    if taken[2] is not None:
        waiting.append((taken[0][2], len(taken[2])))
result(ports=[port for port, _ in waiting], size=sum(size for _, size in waiting))
"""


@versions
def test_of_what_waits_to_be_taken_the_oldest_goes_and_none_is_lost(run, server, version):
    """Under valgrind, which sees each session that nobody frees."""
    got = run(
        CROWD,
        PORT=server(version=version).port,
        COUNT=45,
        firmware=checked.valgrind(),
        timeout=300,
    )
    assert 4 <= len(got["ports"]) < 45 and got["size"] <= 8192
    assert got["ports"] == list(range(45 - len(got["ports"]), 45)), "the newest"


def test_the_age_of_a_ticket_is_that_of_the_moment_it_is_sent(run, hostile):
    """RFC 8446 4.2.11.1: servers want it to be right within seconds."""
    ages = []

    def note(number, message, hello):
        for extension in (hello and hello.extensions) or ():
            if extension.extType == 41 and len(ages) < number:
                ages.append(extension.identities[0].obfuscated_ticket_age)

    server = hostile(
        version="1.3", lie=note, tickets=lambda number: [(600, b"%d" % number, b"t" * 32)]
    )
    got = run(
        """
ctx = client()
def talk(wait):
    s = connect(ctx, PORT, do_handshake_on_connect=False)
    time.sleep_ms(wait)
    begun = time.ticks_ms()
    try:
        echo(s)
    except OSError:
        pass
    s.close()
    return begun
result(begun=[talk(wait) for wait in (0, 2600, 0)])
""",
        PORT=server.port,
    )
    begun = got["begun"]
    assert len(ages) >= 1
    # The ticket has come after the first beginning; whole seconds are counted until the offer.
    assert abs(ages[0] - (begun[1] - begun[0])) < 1500
