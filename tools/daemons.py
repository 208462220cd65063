"""Servers from Debian's packages, each in a folder of its own and on a free port."""

import shutil
import socket
import tempfile
import time
from pathlib import Path

from command import ToolError, start
from openssl_server import free_port


class Daemon:
    """A server process on `address`, `port`, until `close()`.

    Raises ToolError where its `package` is not installed, or with what it said if it does not
    listen.
    """

    package = program = None

    def __init__(self, address="127.0.0.1"):
        self.address = address
        self.folder = Path(tempfile.mkdtemp(prefix=self.program))
        self.folder.chmod(0o755)
        self.port = free_port()
        self._log = (self.folder / "output").open("w+")
        command = [self.program, *self.arguments()]
        self._process = start(self.package, command, stdout=self._log)
        self._wait()

    def arguments(self):
        raise NotImplementedError

    def _wait(self):
        while self._process.poll() is None:
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.01)
        raise ToolError(f"{self.program}: {(self.folder / 'output').read_text()}")

    def close(self):
        self._process.terminate()
        self._process.wait()
        self._log.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Nginx(Daemon):
    """Serves the files in `root`; `reused()` is its own word a request, from its log."""

    package, program = "nginx-light", "nginx"

    def __init__(self, certificate, root, options="", **kwargs):
        self.settings = certificate, root, options
        super().__init__(**kwargs)

    def arguments(self):
        certificate, root, options = self.settings
        config = self.folder / "nginx.conf"
        config.write_text(f"""
daemon off; user root; worker_processes 1; pid {self.folder}/pid; error_log stderr;
events {{ }}
http {{
    log_format reused "$ssl_session_reused"; access_log {self.folder}/access.log reused;
    client_body_temp_path {self.folder}; proxy_temp_path {self.folder};
    fastcgi_temp_path {self.folder}; uwsgi_temp_path {self.folder}; scgi_temp_path {self.folder};
    types {{ application/json json; }}
    server {{
        listen {self.address}:{self.port} ssl; root {root};
        ssl_certificate {certificate}.pem; ssl_certificate_key {certificate}.key;
        ssl_session_cache shared:tls:1m; {options}
    }}
}}""")
        return ["-p", self.folder, "-c", config]

    def reused(self):
        return [line == "r" for line in (self.folder / "access.log").read_text().split()]


class GnuTLS(Daemon):
    """gnutls-serv, which echoes; `priority` as GnuTLS has it, "NORMAL:-VERS-ALL:+VERS-TLS1.3"."""

    package, program = "gnutls-bin", "gnutls-serv"

    def __init__(self, certificate, priority="NORMAL"):
        self.settings = certificate, priority
        super().__init__()

    def arguments(self):
        certificate, priority = self.settings
        files = [f"--x509certfile={certificate}.pem", f"--x509keyfile={certificate}.key"]
        return [f"--port={self.port}", "--echo", *files, f"--priority={priority}"]

    def reused(self):
        """How many connections were resumed, by its own word."""
        self._log.flush()
        return (self.folder / "output").read_text().count("This is a resumed session")


class Mosquitto(Daemon):
    """An MQTT broker with TLS; `client_ca` is the PEM path of whose certificates it demands."""

    package, program = "mosquitto", "mosquitto"

    def __init__(self, certificate, ca, client_ca=None, **kwargs):
        self.settings = certificate, ca, client_ca
        super().__init__(**kwargs)

    def arguments(self):
        certificate, ca, client_ca = self.settings
        config = self.folder / "mosquitto.conf"
        config.write_text(f"""
listener {self.port} {self.address}
user root
allow_anonymous true
certfile {certificate}.pem
keyfile {certificate}.key
cafile {client_ca or ca}
require_certificate {str(bool(client_ca)).lower()}
""")
        return ["-c", config, "-v"]

    def connected(self):
        """How many clients have connected, by its log."""
        self._log.flush()
        return (self.folder / "output").read_text().count("New client connected")
