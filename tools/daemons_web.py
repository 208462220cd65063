"""More web servers: Apache, lighttpd, Node.js. Each serves /page."""

import json
import signal
from pathlib import Path

from command import Missing
from daemons import GET_PAGE, Daemon, ServerError


class Apache(Daemon):
    """`options` are directives of mod_ssl; `cache` that of SSLSessionCache."""

    package, program = "apache2-bin", "apache2"
    request, answer = GET_PAGE, b"hello\n"
    word = "`SSL_SESSION_RESUMED` in its log"
    reload_signal = signal.SIGUSR1
    times_out = True
    version_arguments = ("-v",)

    def __init__(self, certificate, options="", cache="shmcb:sessions(102400)", **kwargs):
        self.settings = certificate, options, cache
        super().__init__(**kwargs)

    def arguments(self):
        certificate, options, cache = self.settings
        modules = Path("/usr/lib/apache2/modules")
        load = "".join(
            f"LoadModule {name}_module {modules}/mod_{name}.so\n"
            for name in ("mpm_event", "authz_core", "ssl", "socache_shmcb")
        )
        config = self.folder / "apache.conf"
        config.write_text(f"""
{load}
ServerName localhost
User www-data
Group www-data
DefaultRuntimeDir {self.folder}
PidFile {self.folder}/pid
ErrorLog /dev/stderr
CustomLog {self.folder}/access.log "%{{SSL_SESSION_RESUMED}}x"
Listen {self.address}:{self.port}
StartServers 2
ThreadsPerChild 5
MinSpareThreads 5
MaxSpareThreads 20
DocumentRoot {_page(self.folder)}
SSLEngine on
SSLCertificateFile {certificate}.pem
SSLCertificateKeyFile {certificate}.key
SSLSessionCache {cache}
SSLSessionCacheTimeout {self.timeout}
{options}
""")
        return ["-d", self.folder, "-f", config, "-DFOREGROUND"]

    def reused(self):
        return [x == "Resumed" for x in (self.folder / "access.log").read_text().split()]


class Lighttpd(Daemon):
    """With TLS of `module` ("openssl", "gnutls", "mbedtls"), of which `package` is one;
    `commands` are its ssl-conf-cmd, a dict; `options` more of its configuration."""

    program = "lighttpd"
    request, answer = GET_PAGE, b"hello\n"
    reload_signal = signal.SIGUSR1
    said_reloaded = "server started"
    version_arguments = ("-v",)

    def __init__(self, certificate, module, commands, options="", **kwargs):
        self.settings = certificate, module, commands, options
        self.package = f"lighttpd-mod-{module}"
        super().__init__(**kwargs)

    def arguments(self):
        certificate, module, commands, options = self.settings
        if not Path(f"/usr/lib/lighttpd/mod_{module}.so").exists():
            raise Missing(f"mod_{module} is missing: sudo apt-get install {self.package}")
        listed = ", ".join(f'"{name}" => "{value}"' for name, value in commands.items())
        config = self.folder / "lighttpd.conf"
        config.write_text(f"""
server.modules = ("mod_{module}")
server.document-root = "{_page(self.folder)}"
server.bind = "{self.address}"
server.port = {self.port}
ssl.engine = "enable"
ssl.pemfile = "{certificate}.pem"
ssl.privkey = "{certificate}.key"
ssl.openssl.ssl-conf-cmd = ({listed})
{options}
""")
        return ["-D", "-f", config]

    def _start(self):
        try:
            super()._start()
        except ServerError:
            if self._process.poll() != -signal.SIGSEGV:
                raise
            # Mbed TLS 3.6 wants a random generator to check an EC key, which 1.4.79 has not yet.
            told = f"lighttpd {self.version()} with {self.package} ends with SIGSEGV"
            raise Missing(told) from None


class Node(Daemon):
    """node_server.js with `settings` (keyword arguments, see there)."""

    package, program = "nodejs", "node"
    request, answer = GET_PAGE, b"hello\n"
    word = "`isSessionReused()`"
    said_resumed, said_full = "reused true", "reused false"
    reload_signal = signal.SIGHUP
    said_reloaded = "reloaded"
    times_out = True

    def __init__(self, certificate, settings=None, **kwargs):
        self.certificate, self.settings = certificate, settings or {}
        super().__init__(**kwargs)

    def arguments(self):
        settings = {
            "host": self.address,
            "port": self.port,
            "cert": f"{self.certificate}.pem",
            "key": f"{self.certificate}.key",
            "sessionTimeout": self.timeout,
            **self.settings,
        }
        return [Path(__file__).with_name("node_server.js"), json.dumps(settings)]


def _page(folder):
    """A folder with /page in it."""
    (folder / "www").mkdir(exist_ok=True)
    (folder / "www" / "page").write_text("hello\n")
    return folder / "www"
