"""What people run: libraries unmodified, and programs that write and read as theirs do."""

import os
import subprocess
from contextlib import closing
from ssl import TLSVersion

import programs
import pytest
from daemons import Mosquitto, Nginx
from libraries import libraries
from microdot_server import MicrodotServer
from prelude import PRELUDE
from smtp_server import SMTPServer

MEGABYTE = 1 << 20
INSTALL = """
sys.path.append(LIBRARIES)
cache = tlsresume.install()
def hits():
    from tlsresume.stats import session_stats
    tlsresume.poll()
    return session_stats(cache)["hits"]
"""


@pytest.fixture(params=("1.2", "1.3"))
def firmware(request, micropython, micropython_tls12):
    return {"1.2": micropython_tls12, "1.3": micropython}[request.param]


@pytest.fixture
def run_program(run, firmware):
    def run_program(script, **variables):
        variables["LIBRARIES"] = str(libraries())
        return run(INSTALL + script, firmware=firmware, **variables)

    return run_program


class Program:
    """A script that is still running: it prints lines, and waits for lines."""

    def __init__(self, firmware, script, **variables):
        variables = {"HOST": "127.0.0.1", "LIBRARIES": str(libraries()), **variables}
        given = "".join(f"{k} = {v!r}\n" for k, v in variables.items())
        self._process = subprocess.Popen(
            [str(firmware), "-c", given + PRELUDE + INSTALL + script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def says(self):
        """Its next line."""
        return self._process.stdout.readline().strip()

    def go_on(self):
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def close(self):
        said, _ = self._process.communicate(timeout=60)
        assert self._process.returncode == 0, said


@pytest.fixture
def broker(certs):
    with closing(Mosquitto(certs.server, certs.ca.pem)) as broker:
        yield broker


ROBUST = """
from umqtt.robust import MQTTClient
ssl_params = {"server_hostname": "localhost", "cadata": CA, "cert_reqs": 2}
def client(name, hello):
    client = MQTTClient(name, HOST, PORT, ssl=True, ssl_params=ssl_params)
    client.DELAY = 0.05
    client.set_callback(lambda topic, text: None)
    if hello:
        client.connect()
    return client
board = client("board", True)
for text in (b"one", b"two", b"three"):
    board.publish(b"topic", text, qos=1)
    while tlsresume.poll() is not None:  # half a second from the negotiation on
        time.sleep_ms(10)
    print(hits())
    sys.stdin.readline()
board.disconnect()
"""


def test_umqtt_robust_comes_back_to_a_broker_that_restarts(firmware, broker, certs):
    with closing(Program(firmware, ROBUST, PORT=broker.port, CA=certs.ca.der)) as program:
        assert program.says() == "0"
        for times in (1, 2):
            broker.restart()
            program.go_on()
            assert program.says() == "0"  # the broker has new ticket keys
            assert broker.connected() == 1 + times
        program.go_on()


def test_umqtt_robust_resumes_after_its_session_was_taken_over(firmware, broker, certs):
    """Another client of the same name: the broker throws out the first (MQTT 3.1.1, 3.1.4-2)."""
    with closing(Program(firmware, ROBUST, PORT=broker.port, CA=certs.ca.der)) as program:
        assert program.says() == "0"
        for times in (1, 2):
            with closing(Program(firmware, ROBUST, PORT=broker.port, CA=certs.ca.der)) as other:
                assert other.says() == "0"
                broker.wait_for("already connected", 2 * times - 1)
                program.go_on()
                assert program.says() == str(times)
                for _ in range(3):
                    other.go_on()
                broker.wait_for("already connected", 2 * times)
        program.go_on()


@pytest.mark.parametrize("restart", (True, False))
def test_a_client_like_mqtt_as_comes_back(firmware, broker, certs, restart):
    def gone():
        if restart:
            broker.restart()
        else:  # by name
            with closing(Program(firmware, ROBUST, PORT=broker.port, CA=certs.ca.der)) as other:
                other.says()
                for _ in range(3):
                    other.go_on()

    with closing(
        Program(firmware, programs.MQTT_AS, PORT=broker.port, CA=certs.ca.der)
    ) as program:
        assert program.says() == "0 1"
        for times in (1, 2):
            gone()
            program.go_on()
            assert program.says() == f"{0 if restart else times} {1 + times}"
        program.go_on()


@pytest.fixture
def site(certs, tmp_path):
    (tmp_path / "page").write_bytes(os.urandom(MEGABYTE))
    (tmp_path / "board").mkdir()
    (tmp_path / "board" / "version").write_text("2")
    for name in ("main.py", "boot.py"):
        (tmp_path / "board" / f"2_{name}").write_text(f"# {name}\n" * 20_000)
    options = "location = /there { return 302 https://127.0.0.1:$server_port/page; }"
    with closing(Nginx(certs.server, tmp_path, options)) as site:
        yield site


def test_requests_follows_redirects_to_a_megabyte(run_program, site):
    got = run_program(
        """
import requests
def get():
    r = requests.get("https://127.0.0.1:%d/there" % PORT)
    return [r.status_code, len(r.content)]
result(got=[get(), get()], hits=hits())
""",
        PORT=site.port,
        heap="8M",
    )
    assert got["got"] == [[200, MEGABYTE]] * 2
    assert got["hits"] == 3
    assert sorted(site.reused()) == [False, True, True, True]  # two processes log by turns


def test_a_client_like_aiohttp_follows_redirects_to_a_megabyte(run_program, site):
    assert run_program(programs.AIOHTTP, PORT=site.port)["sizes"] == [MEGABYTE] * 4
    assert sorted(site.reused()) == [False] + [True] * 5


def test_a_websocket_client_is_echoed(run_program, certs):
    with closing(MicrodotServer(certs.server)) as s:
        got = run_program(
            """
import asyncio
from async_websocket_client.ws import AsyncWebsocketClient
async def main():
    echoed = []
    for i in range(3):
        ws = AsyncWebsocketClient()
        await ws.handshake("wss://127.0.0.1:%d/echo" % PORT)
        for text in "short", "longer " * 1000:
            await ws.send(text)
            echoed.append(await ws.recv() == text)
        await ws.close()
    return echoed
result(echoed=asyncio.run(main()))
""",
            PORT=s.port,
        )
        assert got["echoed"] == [True] * 6
        assert s.reused() == 2


def test_mail_goes_out_after_starttls(run_program, certs, firmware, micropython):
    version = TLSVersion.TLSv1_3 if firmware == micropython else TLSVersion.TLSv1_2
    with closing(SMTPServer(certs.server, version)) as s:
        assert run_program(programs.SMTP, PORT=s.port)["hits"] == 2
        assert [mail.split(b"\r\n")[2] for mail in s.mails] == [b"one", b"two", b"three"]
        assert s.reused() == 2


def test_an_ota_updater_updates(run_program, site, tmp_path):
    board = tmp_path / "flash"
    board.mkdir()
    got = run_program(
        """
import os, requests
sys.modules["urequests"] = requests
class machine:
    def reset():
        pass
sys.modules["machine"] = machine
import micropython_ota
os.chdir(BOARD)
micropython_ota.ota_update("https://127.0.0.1:%d" % PORT, "board", ["main.py", "boot.py"])
result(hits=hits())
""",
        PORT=site.port,
        BOARD=str(board),
        heap="8M",
    )
    assert got["hits"] == 2
    assert (board / "version").read_text() == "2"
    assert (board / "main.py").read_text() == "# main.py\n" * 20_000
    assert site.reused() == [False, True, True]
