"""Programs that stand in for libraries that no registry has: the same writes and reads."""

# mqtt_as: a non-blocking socket, TLS around it, and each read or write polled in turns of a task.
MQTT_AS = """
import asyncio
class Broken(Exception):
    pass
async def all_of(step, size):
    done = b"" if step.__name__ == "read" else 0
    while (len(done) if isinstance(done, bytes) else done) < size:
        got = step(done)
        if got == b"":
            raise Broken
        if got is not None:
            done += got
        await asyncio.sleep_ms(5)
    return done
class Client:
    "Connects anew, and sends again, whenever the broker is gone."
    def __init__(self, name):
        self.name = name
        self.connected = 0
    async def _write(self, data):
        def write(done):
            return self.sock.write(data[done:])
        await all_of(write, len(data))
    async def _read(self, size):
        def read(done):
            return self.sock.read(size - len(done))
        return await all_of(read, size)
    async def connect(self):
        import ssl
        sock = socket.socket()
        sock.setblocking(False)
        try:
            sock.connect(socket.getaddrinfo(HOST, PORT)[0][-1])
        except OSError as e:
            if e.errno not in (115, 119):
                raise
        self.sock = ssl.wrap_socket(sock, server_hostname="localhost", cadata=CA, cert_reqs=2)
        await self._write(b"\\x10" + bytes([12 + len(self.name)]) + b"\\0\\4MQTT\\4\\2\\0\\x3c\\0")
        await self._write(bytes([len(self.name)]) + self.name)
        assert await self._read(4) == b"\\x20\\2\\0\\0"
        self.connected += 1
    async def publish(self, text):
        while True:
            try:
                await self._write(b"\\x32" + bytes([5 + len(text)]) + b"\\0\\1t\\0\\1" + text)
                return await self._read(4)
            except (OSError, Broken):
                pass
            while True:
                try:
                    self.sock.close()
                    await self.connect()
                    break
                except (OSError, Broken):
                    await asyncio.sleep_ms(50)
async def main():
    client = Client(b"board")
    await client.connect()
    for text in (b"one", b"two", b"three"):
        await client.publish(text)
        print(hits(), client.connected)
        sys.stdin.readline()
    client.sock.close()
asyncio.run(main())
"""

# micropython-lib's aiohttp: streams, HTTP/1.0, a connection a request, redirects by hand.
AIOHTTP = """
import asyncio
async def get(path, hops=3):
    reader, writer = await asyncio.open_connection("127.0.0.1", PORT, ssl=True)
    query = "GET %s HTTP/1.0\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n" % path
    await writer.awrite(query.encode())
    status = int((await reader.readline()).split(None, 2)[1])
    where = None
    while True:
        line = await reader.readline()
        if not line or line == b"\\r\\n":
            break
        if line.lower().startswith(b"location:"):
            where = line.split(b":", 1)[1].strip().decode()
    if status in (301, 302) and hops:
        await writer.aclose()
        return await get("/" + where.split("/", 3)[-1], hops - 1)
    size = 0
    while True:
        data = await reader.read(4096)
        if not data:
            break
        size += len(data)
    await writer.aclose()
    return size
async def main():
    return [await get("/there"), await get("/there")] + list(
        await asyncio.gather(get("/page"), get("/page"))
    )
result(sizes=asyncio.run(main()))
"""

# A mail client: plain lines, and TLS from STARTTLS on.
SMTP = """
import ssl
def mail(text):
    sock = socket.socket()
    sock.connect(socket.getaddrinfo(HOST, PORT)[0][-1])
    def say(line, code):
        if line is not None:
            sock.write(line + b"\\r\\n")
        said = sock.readline()
        while said[3:4] == b"-":
            said = sock.readline()
        assert said.startswith(code), said
    say(None, b"220")
    say(b"EHLO board", b"250")
    say(b"STARTTLS", b"220")
    sock = ssl.wrap_socket(sock, server_hostname="localhost", cadata=CA, cert_reqs=2)
    say(b"EHLO board", b"250")
    say(b"MAIL FROM:<board@localhost>", b"250")
    say(b"RCPT TO:<you@localhost>", b"250")
    say(b"DATA", b"354")
    sock.write(b"Subject: reading\\r\\n\\r\\n")
    sock.write(text)
    say(b"\\r\\n.", b"250")
    say(b"QUIT", b"221")
    sock.close()
for text in (b"one", b"two", b"three"):
    mail(text)
result(hits=hits())
"""
