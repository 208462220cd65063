"""Proxies that end TLS: HAProxy and Caddy. Each serves /page."""

from daemons import GET_PAGE, Daemon


class HAProxy(Daemon):
    """`options` are of its bind line, `tuning` lines of its global section."""

    package, program = "haproxy", "haproxy"
    request, answer = GET_PAGE, b"hello\n"
    word = "`ssl_fc_is_resumed` in its log"
    said_resumed, said_full = "resumed 1", "resumed 0"
    times_out = True
    version_arguments = ("-v",)

    def __init__(self, certificate, options="", tuning="", **kwargs):
        self.settings = certificate, options, tuning
        super().__init__(**kwargs)

    def arguments(self):
        certificate, options, tuning = self.settings
        both = self.folder / "both.pem"
        files = [certificate.with_suffix(suffix) for suffix in (".pem", ".key")]
        both.write_text("".join(file.read_text() for file in files))
        config = self.folder / "haproxy.cfg"
        config.write_text(f"""
global
    log stdout format raw daemon
    tune.ssl.lifetime {self.timeout}
    {tuning}
defaults
    mode http
    timeout client 30s
    timeout server 30s
    timeout connect 5s
frontend page
    bind {self.address}:{self.port} ssl crt {both} {options}
    log global
    log-format "resumed %[ssl_fc_is_resumed]"
    http-request return content-type text/plain string "hello\\n"
""")
        return ["-db", "-f", config]


class Caddy(Daemon):
    """`options` are lines of its tls directive."""

    package, program = "caddy", "caddy"
    request, answer = GET_PAGE, b"hello\n"
    version_arguments = ("version",)

    def __init__(self, certificate, options="", **kwargs):
        self.settings = certificate, options
        super().__init__(**kwargs)

    def arguments(self):
        certificate, options = self.settings
        config = self.folder / "Caddyfile"
        config.write_text(f"""
{{
    admin off
    auto_https off
    storage file_system {self.folder}
    default_sni localhost
}}
https://localhost:{self.port} {{
    bind {self.address}
    tls {certificate}.pem {certificate}.key {{
        {options}
    }}
    respond /page "hello
"
}}
""")
        return ["run", "--adapter", "caddyfile", "--config", config]
