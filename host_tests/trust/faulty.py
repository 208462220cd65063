"""What runs on a firmware with the `faults` module: one allocation after the other fails."""

SWEEP = """
import faults
from tlsresume import context, harvest
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

context._tlsresume = harvest._tlsresume = module = Module(context._tlsresume)
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

# One after the other, until one has no n-th allocation: what went wrong, and for which n.
SWEEP += """
def sweep(heap, prepare, operate, check, theirs=False, action=faults.FAIL, stride=1, first=1):
    wrong = []
    outcomes = {}
    n = first
    while True:
        prepare()
        gc.collect()
        faults.arm(action, heap, theirs, n)
        raised = None
        try:
            operate()
        except Exception as e:
            raised = e
        seen = faults.disarm()
        outcome = repr(raised)
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
        try:
            check(raised)
        except Exception as e:
            wrong.append((n, outcome, repr(e)))
        if seen < n:
            return dict(count=seen, wrong=wrong, outcomes=outcomes)
        n += stride

class Connections:
    "One connection a step, by `ctx`; `resume`: it has a session to offer."
    def __init__(self, ctx, resume):
        self.ctx = ctx
        self.resume = resume
        self.blocks = None
    def prepare(self):
        self.tcp = self.tls = None
        if not self.resume:
            self.ctx.sessions.clear()
        elif not len(self.ctx.sessions):
            once(self.ctx, PORT)
        self.tcp = dial()
    def operate(self):
        self.tls = self.ctx.wrap_socket(self.tcp, server_hostname="localhost")
        talk(self.tls)
    def check(self, raised):
        (self.tls or self.tcp).close()
        self.tls = self.tcp = None
        assert raised is None, "it failed"
        self.recovered()
    def recovered(self):
        "The next connection works, the one after it resumes, and nothing leaks."
        once(self.ctx, PORT)
        assert once(self.ctx, PORT) is True, "not resumed"
        cache = self.ctx.sessions
        assert len(cache) == len([tag for tag in cache]) == 1
        assert len([s[0] for s in cache.sessions()]) >= 1
        gc.collect()
        if self.blocks is not None:
            assert faults.blocks() <= self.blocks, (faults.blocks(), self.blocks)
        self.blocks = faults.blocks()
"""
