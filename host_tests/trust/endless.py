"""Programs of the endurance tests."""

RECONNECT = """
def reconnect(ctx, count):
    "How many of `count` connections were resumed."
    resumed = 0
    for _ in range(count):
        resumed += once(ctx, PORT)
    gc.collect()
    return resumed
def touch():
    "Use all of the heap once: the system gives a page when it is first written to."
    chunks = []
    try:
        while True:
            chunks.append(bytearray(1024))
    except MemoryError:
        pass
"""

# A day of a device, on clocks that are wound by hand; EVENTS: {second: what}.
DAY = """
from tlsresume.clock import Clock
WRAP = 1 << 30 # ms, where boards' ticks wrap: here at 20,000 s
class Device:
    seconds = 0
    stepped = 0
    def ticks(self):
        return (self.seconds * 1000 + WRAP - 20_000_000) % WRAP
    def wall(self):
        return 1_800_000_000 + self.seconds + self.stepped
    def clock(self):
        return Clock(self.ticks, self.wall, WRAP)
def tell(what):
    s = socket.socket()
    s.connect(socket.getaddrinfo(HOST, CONTROL)[0][-1])
    s.write(what + "\\n")
    s.readline()
    s.close()
def day(device, ctx):
    "A letter for each connection: r, resumed, or f, full."
    log = ""
    while device.seconds < 86400:
        what = EVENTS.get(device.seconds)
        if what == "step":
            device.stepped += STEP
        elif what:
            tell(what)
        log += "r" if once(ctx, PORT) else "f"
        tlsresume.poll() # within this second, as by a timer
        device.seconds += 30
    return log
device = Device()
ctx = client(sessions=tlsresume.SessionCache(clock=device.clock()))
result(log=day(device, ctx), stats=ctx.session_stats())
"""
