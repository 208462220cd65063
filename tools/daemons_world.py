"""Echoes in other languages' TLS: tools/servers, compiled into build/servers."""

import subprocess
from pathlib import Path

import npm
import sources
from command import Missing, find
from daemons import Daemon
from ports import free_port

SERVERS = Path(__file__).with_name("servers")
COMPILED = sources.BUILD / "servers"


class Echo(Daemon):
    """A server of tools/servers; `compiler` makes `target` of `source`, by `compile`."""

    source = target = compiler = None

    def __init__(self, certificate, *settings, **kwargs):
        self.certificate, self.settings = certificate, settings
        self.built = _compile(self) if self.compiler else SERVERS / self.source
        super().__init__(**kwargs)

    def compile(self, source, target):
        """The arguments of the compiler."""
        raise NotImplementedError


class Go(Echo):
    """crypto/tls; settings: the version, and name=value as in echo.go."""

    package, compiler, source, target = "golang-go", "go", "echo.go", "echo-go"
    word = "`DidResume`"
    said_resumed, said_full = "resumed true", "resumed false"

    @property
    def program(self):
        return str(self.built)

    def compile(self, source, target):
        return ["build", "-o", target, source]

    def arguments(self):
        where = f"{self.address}:{self.port}"
        return [where, f"{self.certificate}.pem", f"{self.certificate}.key", *self.settings]

    def version(self):
        said = subprocess.run([find("golang-go", "go"), "version"], capture_output=True, text=True)
        return said.stdout.split()[2].removeprefix("go")


class Java(Echo):
    """SSLServerSocket; settings: the version, and the PEM path of whose certificates it demands;
    `properties` are of the virtual machine ("jdk.tls.namedGroups=secp384r1")."""

    package, program = "default-jdk-headless", "java"
    compiler, source, target = "javac", "Echo.java", "Echo.class"

    def __init__(self, certificate, *settings, properties=(), **kwargs):
        self.properties = [f"-D{one}" for one in properties]
        super().__init__(certificate, *settings, **kwargs)

    def compile(self, source, target):
        return ["-d", target.parent, source]

    def arguments(self):
        version, *ca = self.settings
        stores = [self._keystore(), *(self._truststore(one) for one in ca)]
        where = [self.address, self.port, stores[0], version]
        return [*self.properties, "-cp", COMPILED, "Echo", *where, *stores[1:]]

    def _keystore(self):
        store = self.folder / "keys.p12"
        files = ["-in", f"{self.certificate}.pem", "-inkey", f"{self.certificate}.key"]
        command = ["openssl", "pkcs12", "-export", *files, "-passout", "pass:changeit"]
        subprocess.run([*command, "-out", store], check=True)
        return store

    def _truststore(self, ca):
        store = self.folder / "trust.p12"
        keytool = find(self.package, "keytool")
        command = [keytool, "-importcert", "-noprompt", "-alias", "ca", "-file", ca]
        command += ["-keystore", store, "-storepass", "changeit"]
        if not store.exists():
            subprocess.run(command, check=True, capture_output=True)
        return store


class Erlang(Echo):
    """ssl; settings: the version, its session_tickets, and whose certificates it demands, or
    group=secp384r1 for the only group."""

    package, program = "erlang-base", "erl"
    compiler, source, target = "erlc", "echo.erl", "echo.beam"
    word = "`session_resumption`"
    said_resumed, said_full = "resumed true", "resumed false"

    def __init__(self, certificate, version, *settings, **kwargs):
        super().__init__(certificate, version, *settings, **kwargs)
        if version == "1.2":
            self.word = None  # it says false even of what it resumes

    def compile(self, source, target):
        return ["-o", target.parent, source]

    def arguments(self):
        version, tickets, *ca = self.settings
        files = [f"{self.certificate}.pem", f"{self.certificate}.key"]
        options = ["-noinput", "-pa", COMPILED, "-run", "echo", "main"]
        return [*options, self.address, self.port, *files, version, tickets, *ca]

    def version(self):
        ask = 'io:format("~s",[erlang:system_info(otp_release)]),halt().'
        command = [self.path, "-noinput", "-eval", ask]
        return "OTP " + subprocess.run(command, capture_output=True, text=True).stdout


class WolfSSL(Echo):
    """wolfSSL; settings: the version, and the PEM path of whose certificates it demands, or
    "P-384" for the only group."""

    package, compiler, source, target = "libwolfssl-dev", "gcc", "wolfssl.c", "echo-wolfssl"
    word = "`wolfSSL_session_reused`"
    said_resumed, said_full = "resumed 1", "resumed 0"
    times_out = True

    @property
    def program(self):
        return str(self.built)

    def compile(self, source, target):
        if not Path("/usr/include/wolfssl/ssl.h").exists():
            raise Missing(f"wolfSSL is missing: sudo apt-get install {self.package}")
        return ["-Wall", "-Wextra", "-Werror", "-o", target, source, "-lwolfssl"]

    def arguments(self):
        version, *ca = self.settings
        files = [f"{self.certificate}.pem", f"{self.certificate}.key"]
        return [self.port, *files, version, self.timeout, *ca]

    def version(self):
        text = Path("/usr/include/wolfssl/version.h").read_text()
        return text.split('LIBWOLFSSL_VERSION_STRING "')[1].split('"')[0]


class Bun(Echo):
    """Bun.listen; settings: the PEM path of whose certificates it demands. The client chooses the
    version."""

    source = "bun.js"

    @property
    def program(self):
        return str(npm.program("bun"))

    def arguments(self):
        files = [f"{self.certificate}.pem", f"{self.certificate}.key"]
        return [self.built, self.address, self.port, *files, *self.settings]


class Deno(Echo):
    """Deno.listenTls. The client chooses the version."""

    source = "deno.js"

    @property
    def program(self):
        return str(npm.program("deno"))

    def arguments(self):
        files = [f"{self.certificate}.pem", f"{self.certificate}.key"]
        return ["run", "--allow-all", "--no-remote", self.built, self.address, self.port, *files]


class Botan(Daemon):
    """Botan's own server, which speaks TLS 1.2; `policy` has lines of its policy."""

    package, program = "botan", "botan"

    def __init__(self, certificate, policy="", **kwargs):
        self.settings = certificate, policy
        super().__init__(**kwargs)

    def restart(self, timeout=None):
        self.port = free_port()  # it does not set SO_REUSEADDR
        super().restart(timeout)

    def arguments(self):
        certificate, policy = self.settings
        options = [f"--port={self.port}"]
        if policy:
            (self.folder / "policy").write_text(policy)
            options.append(f"--policy={self.folder / 'policy'}")
        key = self.folder / "key.pem"  # PKCS #8: Botan takes no other
        command = ["openssl", "pkcs8", "-topk8", "-nocrypt", "-in", f"{certificate}.key"]
        subprocess.run([*command, "-out", key], check=True)
        return ["tls_server", *options, f"{certificate}.pem", key]


def _compile(server):
    source, target = SERVERS / server.source, COMPILED / server.target
    compiler = find(server.package, server.compiler)
    with sources.BUILDING:
        if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
            COMPILED.mkdir(parents=True, exist_ok=True)
            command = [compiler, *map(str, server.compile(source, target))]
            done = subprocess.run(command, capture_output=True, text=True, env=_environment())
            if done.returncode:
                raise Missing(f"{server.source}: {done.stderr.strip()[-400:]}")
    return target


def _environment():
    return {**sources.environment(), "GO111MODULE": "off", "GOCACHE": str(COMPILED / "go")}
