"""Servers from Debian's packages, each in a folder of its own and on a free port."""

import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from command import ToolError, find, start
from ports import free_port

GET_PAGE = b"GET /page HTTP/1.0\r\nHost: localhost\r\n\r\n"
MQTT_CONNECT = b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01a"


class ServerError(ToolError):
    """A server that does not start, or has ended; with what it said."""


class Daemon:
    """A server process on `address`, `port`, until `close()`.

    `timeout` is the seconds for which it keeps sessions, where it `times_out`. A client sends it
    `request`, and is through when it has seen `answer`. Raises Missing where its `package` is not
    installed, ServerError if it does not listen.
    """

    package = program = None
    request = answer = b"hello\n"
    word = None  # where it says of each connection whether it was resumed
    said_resumed = None  # the two texts there, of which one is said a connection
    said_full = None
    said_in_answer = None  # or a text of the answer
    reload_signal = None
    said_reloaded = None  # None: its workers end when it has reloaded
    times_out = False  # whether it can be told how long sessions live
    version_arguments = ("--version",)

    def __init__(self, address="127.0.0.1", timeout=300):
        self.address = address
        self.timeout = timeout
        self.path = find(self.package, self.program)
        self.folder = Path(tempfile.mkdtemp(prefix=Path(self.path).name))
        self.folder.chmod(0o755)
        self.port = free_port()
        self._log = (self.folder / "output").open("a+")
        self._process = None
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def arguments(self):
        raise NotImplementedError

    def next_port(self):
        """The port for the next connection."""
        return self.port

    def said(self):
        """What it has printed so far, since its first start."""
        return (self.folder / "output").read_text()

    def wait_for(self, text, times):
        """Until it has printed `text` so many times. Raises ServerError after 30 s."""
        self._until(lambda: self.said().count(text) >= times)

    def reused(self):
        """Which connections were resumed, by its own word; None where it has none."""
        if self.word is None:
            return None
        says = re.findall(f"{self.said_resumed}|{self.said_full}", self.said())
        return [bool(re.fullmatch(self.said_resumed, one)) for one in says]

    def reload(self):
        """Let it read its configuration again, and wait until it has."""
        workers = self._workers()
        said = self.said_reloaded and self.said().count(self.said_reloaded)
        self._process.send_signal(self.reload_signal)
        if self.said_reloaded:
            self._until(lambda: self.said().count(self.said_reloaded) > said)
        else:
            self._until(lambda: not workers & self._workers())

    def restart(self, timeout=None):
        """Stop it and start another on the same port; `timeout` as at first, if None."""
        self.timeout = timeout or self.timeout
        self._stop()
        self._start()

    def version(self):
        """Its version as it says it ("1.22.1")."""
        done = subprocess.run([self.path, *self.version_arguments], capture_output=True, text=True)
        return re.search(r"\d+\.\d+(\.\d+)?", done.stdout + done.stderr)[0]

    def close(self):
        self._stop()
        self._log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self):
        command = [self.path, *self.arguments()]
        self._process = start(self.package, command, stdout=self._log)
        self._until(self._listens)

    def _stop(self):
        if self._process:
            self._process.terminate()
            self._process.wait()

    def _listens(self):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def _workers(self):
        pid = self._process.pid
        return set(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())

    def _until(self, true, seconds=30):
        give_up = time.monotonic() + seconds
        while not true():
            if self._process.poll() is not None or time.monotonic() > give_up:
                raise ServerError(f"{self.program}: {self.said()}")
            time.sleep(0.01)


class Nginx(Daemon):
    """Serves the files in `root`; `reused()` is its own word a request, from its log."""

    package, program = "nginx-light", "nginx"
    request, answer = GET_PAGE, b"hello\n"
    word = "`$ssl_session_reused` in its log"
    reload_signal = signal.SIGHUP
    times_out = True
    version_arguments = ("-v",)

    def __init__(self, certificate, root, options="", cache="shared:tls:1m", **kwargs):
        self.settings = certificate, root, options, cache
        super().__init__(**kwargs)

    def arguments(self):
        certificate, root, options, cache = self.settings
        config = self.folder / "nginx.conf"
        config.write_text(f"""
daemon off; user root; worker_processes 2; pid {self.folder}/pid; error_log stderr;
events {{ }}
http {{
    log_format reused "$ssl_session_reused"; access_log {self.folder}/access.log reused;
    client_body_temp_path {self.folder}; proxy_temp_path {self.folder};
    fastcgi_temp_path {self.folder}; uwsgi_temp_path {self.folder}; scgi_temp_path {self.folder};
    types {{ application/json json; }}
    server {{
        listen {self.address}:{self.port} ssl; root {root};
        ssl_certificate {certificate}.pem; ssl_certificate_key {certificate}.key;
        ssl_session_cache {cache}; ssl_session_timeout {self.timeout}s; {options}
    }}
}}""")
        return ["-p", self.folder, "-c", config]

    def reused(self):
        return [line == "r" for line in (self.folder / "access.log").read_text().split()]


class GnuTLS(Daemon):
    """gnutls-serv, which echoes; `priority` as GnuTLS has it, "NORMAL:-VERS-ALL:+VERS-TLS1.3"."""

    package, program = "gnutls-bin", "gnutls-serv"
    word = '"This is a resumed session" in its output'
    said_resumed = r"\*\*\* This is a resumed session\n- Description"
    said_full = r"- Description"

    def __init__(self, certificate, priority="NORMAL", *options, **kwargs):
        self.settings = certificate, priority, options
        super().__init__(**kwargs)

    def arguments(self):
        certificate, priority, options = self.settings
        files = [f"--x509certfile={certificate}.pem", f"--x509keyfile={certificate}.key"]
        return [f"--port={self.port}", "--echo", *files, f"--priority={priority}", *options]


class Mosquitto(Daemon):
    """An MQTT broker with TLS; `client_ca` is the PEM path of whose certificates it demands."""

    package, program = "mosquitto", "mosquitto"
    request, answer = MQTT_CONNECT, b"\x20\x02\x00\x00"
    reload_signal = signal.SIGHUP
    said_reloaded = "Reloading config."
    version_arguments = ("-h",)

    def __init__(self, certificate, ca, client_ca=None, options="", **kwargs):
        self.settings = certificate, ca, client_ca, options
        super().__init__(**kwargs)

    def arguments(self):
        certificate, ca, client_ca, options = self.settings
        config = self.folder / "mosquitto.conf"
        config.write_text(f"""
listener {self.port} {self.address}
user root
allow_anonymous true
certfile {certificate}.pem
keyfile {certificate}.key
cafile {client_ca or ca}
require_certificate {str(bool(client_ca)).lower()}
{options}
""")
        return ["-c", config, "-v"]

    def connected(self):
        """How many clients have connected, by its log."""
        return self.said().count("New client connected")
