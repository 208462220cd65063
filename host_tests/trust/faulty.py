"""What runs on a firmware with the `faults` module: one allocation after the other fails."""

SWEEP = """
import faults, _tlsresume
from tlsresume import context, harvest
ADDRESS = socket.getaddrinfo(HOST, PORT)[0][-1]
LINE = b"hello\\n"
BUFFER = bytearray(len(LINE))

class Upstream:
    "Stands for upstream's SSLContext; what is allocated in its calls is theirs."
    def __init__(self, native):
        self.native = native
        self.verify_mode = native.verify_mode
    def wrap_socket(self, sock, server_side=False, do_handshake_on_connect=True,
                    server_hostname=None):
        faults.theirs(True)
        try:
            return self.native.wrap_socket(
                sock, server_side=server_side, do_handshake_on_connect=do_handshake_on_connect,
                server_hostname=server_hostname)
        finally:
            faults.theirs(False)

class Module:
    "Stands for _tlsresume, whose handshake() does upstream's part, and notes what is taken."
    def __init__(self, module):
        for name in dir(module):
            if not hasattr(Module, name):
                setattr(self, name, getattr(module, name))
        self.module = module
        self.taken = None
    def adopt(self, sock, upstream, *args):
        return self.module.adopt(sock, upstream.native, *args)
    def handshake(self, sock):
        faults.theirs(True)
        try:
            self.module.handshake(sock)
        finally:
            faults.theirs(False)
    def take(self, age):
        taken = self.module.take(age)
        if taken is not None and taken[2] is not None:
            self.taken = taken[2]
        return taken

context._tlsresume = harvest._tlsresume = module = Module(_tlsresume)
harvest.DELAY = 0

def watched(**kwargs):
    ctx = client(**kwargs)
    ctx._context = Upstream(ctx._context)
    ctx.fingerprint()
    return ctx

def upstream():
    ctx = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    ctx.load_verify_locations(CA)
    return Upstream(ctx)

def dial():
    s = socket.socket()
    s.connect(ADDRESS)
    return s

def talk(s):
    faults.theirs(True)
    s.write(LINE)
    faults.theirs(False)
    s.readinto(BUFFER)
"""

# One after the other up to `dense`, then each `stride`-th, until there is no n-th. `wrong`: what
# went wrong, for which n; `outcomes`: what was raised, one by one.
SWEEP += """
def sweep(scenario, heap, theirs=False, action=faults.FAIL, dense=64, stride=1):
    wrong = []
    outcomes = []
    known = {} # a string for each would stand in the middle of the heap, and hold up the largest
    n = 1
    while True:
        raised = None
        scenario.prepare()
        faults.arm(action, heap, theirs, n)
        try:
            scenario.operate()
        except Exception as e:
            raised = e
        seen = faults.disarm()
        outcome = repr(raised)
        outcomes.append(known.setdefault(outcome, outcome))
        try:
            scenario.check(raised)
            scenario.recovered()
        except Exception as e:
            wrong.append((n, outcomes[-1], repr(e)))
        if seen < n:
            return dict(count=seen, wrong=wrong, outcomes=outcomes)
        n += 1 if n < dense else stride

class Connect:
    "A connection without a session: no allocation of ours fails it."
    resume = False
    def __init__(self, **kwargs):
        self.ctx = watched(**kwargs)
        self.tcp = self.tls = self.blocks = None
        self.recovered()
    def prepare(self):
        if not self.resume:
            self.ctx.sessions.clear()
        elif not len(self.ctx.sessions):
            once(self.ctx, PORT)
        self.tcp = dial()
    def operate(self):
        self.tls = self.ctx.wrap_socket(self.tcp, server_hostname="localhost")
        talk(self.tls)
    def check(self, raised):
        self.close()
        assert raised is None, "it raised"
    def close(self):
        (self.tls or self.tcp).close()
        self.tcp = self.tls = None
    def recovered(self):
        "The next connection works, the one after it resumes, nothing leaks or stays unwiped."
        once(self.ctx, PORT)
        assert once(self.ctx, PORT) is True, "not resumed"
        cache = self.ctx.sessions
        assert len(cache) == len(list(cache)) == 1, "inconsistent"
        assert module.taken is None or not any(module.taken), "not wiped"
        self.no_leak()
    def no_leak(self):
        for _ in range(4): # what the collector takes for a pointer may keep one for a while
            gc.collect()
            if self.blocks is None or faults.blocks() <= self.blocks:
                self.blocks = faults.blocks()
                return
            once(self.ctx, PORT)
        raise AssertionError("a leak of %d blocks" % (faults.blocks() - self.blocks))

class Resume(Connect):
    "A connection that offers a session."
    resume = True

class TheirsFail(Connect):
    "Upstream's own allocations fail: it may, too, and the next one works."
    def check(self, raised):
        self.close()

    def no_leak(self):
        pass # Mbed TLS 3.6's tls13 key schedule forgets its ciphers where one has no memory

class ResumedFails(TheirsFail):
    resume = True
    def prepare(self):
        self.ctx.sessions.clear() # what the failure before says of the server, too
        TheirsFail.prepare(self)

class Alone(Connect):
    "The same without us: upstream's context."
    def __init__(self):
        self.ctx = upstream()
        self.tcp = self.tls = None
    def prepare(self):
        self.tcp = dial()
    def check(self, raised):
        self.close()
    def recovered(self):
        pass

class Poll(Connect):
    "The harvest of an open connection, which goes on."
    def prepare(self):
        Connect.prepare(self)
        Connect.operate(self)
        module.taken = None
    def operate(self):
        tlsresume.poll()
    def check(self, raised):
        assert raised is None, "it raised"
        talk(self.tls)
        self.close()

class Close(Poll):
    "The close itself."
    def operate(self):
        self.tls.close()
    check = Connect.check

class PollClosed(Poll):
    "The harvest of a closed connection."
    def prepare(self):
        Poll.prepare(self)
        self.close()
    def check(self, raised):
        assert raised is None, "it raised"

class PollDeclined(Poll):
    "What the server has declined is forgotten, at the latest by the poll after."
    def prepare(self):
        other = watched()
        once(other, OTHER)
        _, _, port, bad, *_ = next(iter(other.sessions.sessions()))
        self.bad = bytes(bytearray(bad))
        self.key = "localhost", port and PORT # None where the port has no getpeername
        self.ctx.sessions.clear()
        self.ctx.sessions.put(*self.key, self.bad, 0, self.ctx.fingerprint())
        self.tcp = dial()
        Connect.operate(self)
        assert self.tls.session_reused is False
    def check(self, raised):
        Poll.check(self, raised)
        assert self.ctx.sessions.get(*self.key, self.ctx.fingerprint()) != self.bad

class PollInACrowd(Connect):
    "The harvest of a closed connection, while the collector closes more than may wait."
    def prepare(self):
        self.ctx.sessions.clear()
        harvest.DELAY = 100_000 # the open ones are left to the collector
        first = connect(self.ctx, PORT)
        crowd = [connect(self.ctx, PORT) for _ in range(18)]
        first.close()
        while crowd:
            crowd.pop()
    def operate(self):
        tlsresume.poll()
    def check(self, raised):
        harvest.DELAY = 0
        assert raised is None, "it raised"

class LookUp(Connect):
    "A look-up by hand may say that there is no memory, and nothing else."
    def prepare(self):
        pass
    def operate(self):
        self.ctx.sessions.get("localhost", PORT, self.ctx.fingerprint())
    def check(self, raised):
        assert raised is None or isinstance(raised, MemoryError)

class Memory:
    "A storage, which saves whenever it may."
    interval = 0
    def __init__(self):
        self.data = None
    def load(self):
        return None if self.data is None else bytearray(self.data)
    def save(self, data):
        self.data = bytes(data)

class Save(Connect):
    "Without memory nothing is saved, and it says so."
    resume = True
    def __init__(self):
        from tlsresume.store import Sealed
        self.store = Sealed(Memory(), bytes(32))
        Connect.__init__(self, storage=self.store)
    def operate(self):
        self.saved = self.ctx.save()
    def prepare(self):
        pass
    def check(self, raised):
        assert raised is None, "it raised"
        assert self.ctx.save() is True
        assert len(client(storage=self.store).sessions) == 1

class Load(Save):
    "Without memory nothing is loaded, and the connection does a full handshake."
    def operate(self):
        from tlsresume.persist import Persist
        self.ctx.sessions.store = Persist(self.ctx.sessions, self.store)
    def prepare(self):
        self.ctx.save()
        self.ctx.sessions.clear()
    def check(self, raised):
        assert raised is None or isinstance(raised, MemoryError)
        assert len(self.ctx.sessions) <= 1

class SaveAsItConnects(Save):
    "A connection of a context that saves as it connects."
    def prepare(self):
        Connect.prepare(self)
        self.ctx.sessions.changes += 1
    operate = Connect.operate
    check = Connect.check
"""
