"""What the scripts that run on MicroPython begin with. HOST and CA (DER) stand before it."""

PRELUDE = """
import gc, json, socket, sys, time, tls, tlsresume
def connect(ctx, port, name="localhost", **kwargs):
    s = socket.socket()
    s.connect(socket.getaddrinfo(HOST, port)[0][-1])
    return ctx.wrap_socket(s, server_hostname=name, **kwargs)
def client(**kwargs):
    ctx = tlsresume.SSLContext(tls.PROTOCOL_TLS_CLIENT, **kwargs)
    ctx.load_verify_locations(CA)
    return ctx
def echo(s, text=b"hello\\n"):
    s.write(text)
    return s.readline()
def once(ctx, port, name="localhost", **kwargs):
    "Connect, talk, close; whether it was resumed."
    s = connect(ctx, port, name, **kwargs)
    assert echo(s) == b"hello\\n"
    reused = s.session_reused
    s.close()
    return reused
def result(**kwargs):
    print("RESULT", json.dumps(kwargs))
"""

# The unix port has no RTC memory: this is ESP32's.
RTC = """
import sys
class RTC:
    data = b""
    def memory(self, data=None):
        if data is None:
            return bytes(bytearray(RTC.data))
        if len(data) > 2048:
            raise ValueError("buffer too long")
        RTC.data = bytes(data)
class machine:
    RTC = RTC
    def deepsleep(ms):
        print("sleeps", ms)
sys.modules["machine"] = machine
"""

# A storage, which is saved to whenever something has changed.
MEMORY = """
class Memory:
    interval = 0
    data = None
    def load(self):
        return self.data and bytearray(self.data)
    def save(self, data):
        self.data = bytes(data)
"""

# A stream that is no socket.
STREAM = """
import io, select
class Stream(io.IOBase):
    "A socket in Python; `on(request)` is called first."
    def __init__(self, on=lambda request: None):
        self.on = on
        self.left = None  # after so many bytes the network holds still
        self.sock = socket.socket()
        self.sock.connect(socket.getaddrinfo(HOST, PORT)[0][-1])
    def readinto(self, buf):
        self.on("read")
        if self.left is None:
            return self.sock.readinto(buf)
        n = self.sock.readinto(memoryview(buf)[:self.left]) if self.left else None
        self.left -= n or 0
        return n
    def write(self, data):
        self.on("write")
        return self.sock.write(data)
    def ioctl(self, request, arg):
        self.on(request)
        if request == 4:
            self.sock.close()
        if request == 3:
            ready = select.poll()
            ready.register(self.sock, arg)
            return sum(event for _, event in ready.poll(0))
        return 0
"""

# The hosts of the documents and the examples.
WORLD_NAMES = "example.com", "mqtt.example.com"
# Every host is HOST, and every port is PORT.
WORLD = """
import socket as _socket, sys
class World:
    def getaddrinfo(host, port, *args, here=(HOST, PORT)):
        return _socket.getaddrinfo(*(here + args))
for name in dir(_socket):
    if not hasattr(World, name):
        setattr(World, name, getattr(_socket, name))
sys.modules["socket"] = sys.modules["usocket"] = World
"""
