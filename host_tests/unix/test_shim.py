"""install(): programs that know nothing of us resume."""

import pytest


def test_tls_as_others_see_it_resumes(run, server):
    s = server(version="1.2")
    got = run(
        """
import tls as before
cache = tlsresume.install()
def request():
    import tls
    ctx = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    ctx.load_verify_locations(CA)
    return once(ctx, PORT)
result(r=[request(), request()], n=len(cache), same=tls is before)
""",
        PORT=s.port,
    )
    assert got["r"] == [False, True] == s.reused(2)
    assert got["n"] == 1 and got["same"]


def test_the_main_program_resumes_though_it_imported_tls_before(run, server):
    s = server(version="1.2")
    got = run(
        """
from tls import SSLContext as Context
tlsresume.install()
def request(Context):
    ctx = Context(tls.PROTOCOL_TLS_CLIENT)
    ctx.load_verify_locations(CA)
    return once(ctx, PORT)
result(r=[request(tls.SSLContext), request(Context)])
""",
        PORT=s.port,
    )
    assert got["r"] == [False, True]


@pytest.mark.parametrize("name", ("tls", "ssl", "ussl"))
def test_a_star_import_takes_all(run, server, name):
    s = server(version="1.2")
    got = run(
        f"""
tlsresume.install()
from {name} import *
def request():
    ctx = SSLContext(PROTOCOL_TLS_CLIENT)
    ctx.load_verify_locations(CA)
    return once(ctx, PORT)
result(r=[request(), request()])
""",
        PORT=s.port,
    )
    assert got["r"] == [False, True]


def test_uninstalling_reaches_whoever_came_later(run, tmp_path):
    (tmp_path / "late.py").write_text("import tls\nfrom tls import SSLContext\n")
    got = run(
        """
sys.path.append(FOLDER)
native = [tls.SSLContext]
tlsresume.install()
import late
took = late.SSLContext is not native[0]
tlsresume.uninstall()
result(took=took, back=late.SSLContext is native[0] and late.tls.SSLContext is native[0])
""",
        FOLDER=str(tmp_path),
    )
    assert got == {"took": True, "back": True}


def test_what_stands_for_a_module_and_raises_is_left_alone(run):
    got = run(
        """
class Broken:
    @property
    def name(self):
        raise OSError
sys.modules["broken"] = Broken()
tlsresume.install()
result(installed=hasattr(tls.SSLContext(tls.PROTOCOL_TLS_CLIENT), "sessions"))
"""
    )
    assert got["installed"]


def test_uninstalling_after_the_modules_were_dropped(run):
    got = run(
        """
tlsresume.install()
del sys.modules["ssl"], sys.modules["ussl"]
tlsresume.uninstall()
result(native=not hasattr(tls.SSLContext(tls.PROTOCOL_TLS_CLIENT), "sessions"))
"""
    )
    assert got["native"]


def test_installing_the_same_cache_again_keeps_it(run):
    got = run(
        """
cache = tlsresume.install()
cache.put("a", 1, b"session", 60)
result(same=tlsresume.install(cache) is cache, n=len(cache))
"""
    )
    assert got == {"same": True, "n": 1}


def test_modules_that_imported_tls_before_resume(run, server, tmp_path):
    (tmp_path / "early.py").write_text(
        "import tls\nfrom tls import SSLContext\n"
        "def both():\n    return [tls.SSLContext(tls.PROTOCOL_TLS_CLIENT),\n"
        "            SSLContext(tls.PROTOCOL_TLS_CLIENT)]\n"
    )
    s = server(version="1.2")
    got = run(
        """
sys.path.append(FOLDER)
import early
tlsresume.install()
r = []
for ctx in early.both():
    ctx.load_verify_locations(CA)
    r.append(once(ctx, PORT))
tlsresume.uninstall()
ctx = early.both()[0]
result(r=r, back=type(ctx) is early.SSLContext and not hasattr(ctx, "sessions"))
""",
        PORT=s.port,
        FOLDER=str(tmp_path),
    )
    assert got == {"r": [False, True], "back": True}


def test_ssl_is_there_where_the_firmware_has_none_and_keeps_its_habit(run, server):
    s = server(version="1.2")
    got = run(
        """
tlsresume.install()
import ssl
def request():
    s = socket.socket()
    s.connect(socket.getaddrinfo(HOST, PORT)[0][-1])
    s = ssl.wrap_socket(s, server_hostname="localhost")
    assert echo(s) == b"hello\\n"
    r = s.session_reused
    s.close()
    return r
ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
result(r=[request(), request()], lax=ctx.verify_mode == ssl.CERT_NONE,
       strict=tls.SSLContext(tls.PROTOCOL_TLS_CLIENT).verify_mode == tls.CERT_REQUIRED)
""",
        PORT=s.port,
    )
    assert got == {"r": [False, True], "lax": True, "strict": True}


def test_micropython_libs_own_ssl_resumes(run, server, tmp_path):
    """An `ssl` of the firmware's that builds upon `tls`, as micropython-lib's does."""
    (tmp_path / "ssl.py").write_text(
        "import tls\nfrom tls import PROTOCOL_TLS_CLIENT, CERT_NONE\n"
        "class SSLContext:\n"
        "    def __init__(self, *args):\n"
        "        self._context = tls.SSLContext(*args)\n"
        "        self._context.verify_mode = CERT_NONE\n"
        "    def wrap_socket(self, sock, **kwargs):\n"
        "        return self._context.wrap_socket(sock, **kwargs)\n"
    )
    s = server(version="1.2")
    script = """
sys.path.append(FOLDER)
if FIRST:
    import ssl
tlsresume.install()
import ssl
r = [once(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), PORT) for _ in range(2)]
result(r=r)
"""
    for first in (False, True):
        got = run(script, PORT=s.port, FOLDER=str(tmp_path), FIRST=first)
        assert got["r"] == [False, True], first


def test_open_connection_with_ssl_true_resumes(run, server):
    s = server(version="1.2")
    got = run(
        """
import asyncio
tlsresume.install()
async def talk():
    reader, writer = await asyncio.open_connection(HOST, PORT, ssl=True)
    writer.write(b"hello\\n")
    await writer.drain()
    await reader.readline()
    r = writer.s.session_reused
    writer.close()
    await writer.wait_closed()
    return r
async def main():
    return [await talk(), await talk()]
result(r=asyncio.run(main()))
""",
        PORT=s.port,
    )
    assert got["r"] == [False, True] == s.reused(2)


def test_installing_twice_is_installing_once(run, server):
    s = server(version="1.2")
    got = run(
        """
a = tlsresume.install()
b = tlsresume.install()
c = tlsresume.install(tlsresume.SessionCache())
import tls
def request():
    ctx = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    ctx.load_verify_locations(CA)
    return once(ctx, PORT)
r = [request(), request()]
tlsresume.uninstall()
tlsresume.uninstall()
import tls
native = not hasattr(tls.SSLContext(tls.PROTOCOL_TLS_CLIENT), "sessions")
result(r=r, same=a is b, other=c is not a, n=len(c), native=native, ssl="ssl" in sys.modules)
""",
        PORT=s.port,
    )
    assert got == {
        "r": [False, True], "same": True, "other": True, "n": 0, "native": True, "ssl": False,
    }  # fmt: skip


def test_contexts_that_differ_in_security_are_kept_apart(run, server):
    s = server(version="1.2")
    got = run(
        """
tlsresume.install()
import ssl
def request(verify):
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if verify:
        ctx.load_verify_locations(CA)
        ctx.verify_mode = ssl.CERT_REQUIRED
    return once(ctx, PORT)
result(r=[request(False), request(True), request(False), request(True)])
""",
        PORT=s.port,
    )
    assert got["r"] == [False, False, True, True]
