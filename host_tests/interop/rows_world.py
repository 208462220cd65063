"""The rows of other languages and libraries, which `make interop` alone runs."""

from daemons_proxy import Caddy, HAProxy
from daemons_world import Botan, Bun, Deno, Erlang, Go, Java, WolfSSL
from interop.phases import DECLINED, REFUSED
from interop.rows import (
    ANOTHER_GROUP,
    CACHE,
    FORGOT,
    HINT,
    KEYS,
    PSS,
    RESUMED,
    STRANGERS,
    TICKETS_FOR_GOOD,
    Row,
    never,
)

TICKETS_HINTED = RESUMED, None, KEYS, HINT
IDS_HINTED = RESUMED, None, CACHE, FORGOT
KEYS_FOR_GOOD = RESUMED, None, RESUMED, None
STATEFUL = RESUMED, None, CACHE, None
STATEFUL_HINTED = RESUMED, None, CACHE, HINT
STRANGERS_FOR_GOOD = STRANGERS[0], None, STRANGERS[2], None

PSS_HINTED = PSS, None, PSS, PSS
PSS_FOR_GOOD = PSS, None, PSS, None
COOKIE = never(
    REFUSED,
    "it sends a cookie along (RFC 8446 4.2.2), which Mbed TLS 3.6 refuses, by upstream's `tls`"
    " too and without an offer (Mbed TLS's issue 9543)",
    reload=False,
)
JAVA_EMS = never(
    DECLINED,
    "Java resumes TLS 1.2 with an extended master secret only (RFC 7627), which MicroPython's"
    " Mbed TLS is configured without",
    reload=False,
)


def _go(version, configuration, options, expected, **kwargs):
    def start(site):
        return Go(site.certificate, version, *site(options).split())

    return Row("Go crypto/tls", f"TLS {version}, {configuration}", start, expected, **kwargs)


def _java(version, configuration, options, expected, properties=(), **kwargs):
    def start(site):
        return Java(site.certificate, version, *site(options).split(), properties=properties)

    return Row(
        "Java SSLServerSocket", f"TLS {version}, {configuration}", start, expected, **kwargs
    )


def _haproxy(version, configuration, options, expected, tuning="", **kwargs):
    def start(site):
        only = f"ssl-min-ver TLSv{version} ssl-max-ver TLSv{version}"
        return HAProxy(site.certificate, f"{only} {site(options)}", tuning)

    return Row("HAProxy", f"TLS {version}, {configuration}", start, expected, **kwargs)


def _caddy(version, configuration, options, expected, **kwargs):
    def start(site):
        only = f"protocols tls{version} tls{version}\n"
        return Caddy(site.certificate, only + options.replace("CLIENT_CA", str(site.client_ca)))

    return Row("Caddy", f"TLS {version}, {configuration}", start, expected, **kwargs)


def _bun(version, configuration, options, expected, **kwargs):
    def start(site):
        return Bun(site.certificate, *site(options).split())

    name = f"TLS {version}, {configuration}"
    return Row("Bun", name, start, expected, tls13=version == "1.3", **kwargs)


def _deno(version, configuration, expected, **kwargs):
    def start(site):
        return Deno(site.certificate)

    name = f"TLS {version}, {configuration}"
    return Row("Deno", name, start, expected, tls13=version == "1.3", **kwargs)


def _wolfssl(version, configuration, options, expected, **kwargs):
    def start(site):
        return WolfSSL(site.certificate, version, *site(options).split())

    return Row("wolfSSL", f"TLS {version}, {configuration}", start, expected, **kwargs)


def _erlang(version, configuration, options, expected, **kwargs):
    def start(site):
        return Erlang(site.certificate, version, *site(options).split())

    return Row("Erlang ssl", f"TLS {version}, {configuration}", start, expected, **kwargs)


def _botan(configuration, policy, expected, **kwargs):
    def start(site):
        return Botan(site.certificate, policy)

    return Row("Botan tls_server", f"TLS 1.2, {configuration}", start, expected, **kwargs)


HAPROXY_CLIENT = "ca-file {client_ca} verify required"
CADDY_CLIENT = "client_auth {\nmode require_and_verify\ntrusted_ca_cert_file CLIENT_CA\n}"
WITH_CLIENT = dict(client_certificate=True)

ROWS = [
    _go("1.2", "tickets", "", TICKETS_FOR_GOOD),
    _go("1.2", "tickets", "", TICKETS_FOR_GOOD, key="RSA"),
    _go("1.2", "tickets", "ca={client_ca}", TICKETS_FOR_GOOD, **WITH_CLIENT),
    _go("1.2", "tickets, SetSessionTicketKeys", "keys=secret", KEYS_FOR_GOOD),
    _go("1.2", "tickets", "", STRANGERS_FOR_GOOD, pair=True),
    _go("1.3", "tickets", "", TICKETS_FOR_GOOD),
    _go("1.3", "tickets", "", TICKETS_FOR_GOOD, key="RSA"),
    _go("1.3", "tickets", "ca={client_ca}", TICKETS_FOR_GOOD, **WITH_CLIENT),
    _go("1.3", "tickets, SetSessionTicketKeys", "keys=secret", KEYS_FOR_GOOD),
    _go("1.3", "tickets", "", STRANGERS_FOR_GOOD, pair=True),
    _java("1.2", "tickets", "", JAVA_EMS),
    _java("1.2", "tickets", "", JAVA_EMS, key="RSA"),
    _java("1.2", "tickets", "{client_ca}", JAVA_EMS, **WITH_CLIENT),
    _java("1.3", "tickets", "", TICKETS_FOR_GOOD),
    _java("1.3", "tickets", "", TICKETS_FOR_GOOD, key="RSA"),
    _java("1.3", "tickets", "{client_ca}", TICKETS_FOR_GOOD, **WITH_CLIENT),
    _java("1.3", ANOTHER_GROUP, "", COOKIE, properties=["jdk.tls.namedGroups=secp384r1"]),
    _haproxy("1.2", "IDs", "no-tls-tickets", IDS_HINTED),
    _haproxy("1.2", "tickets", "", TICKETS_HINTED),
    _haproxy("1.2", "tickets", "", PSS_HINTED, key="RSA"),
    _haproxy("1.2", "tickets", "", TICKETS_HINTED, key="RSA", tls13=False),
    _haproxy("1.2", "tickets", HAPROXY_CLIENT, TICKETS_HINTED, **WITH_CLIENT),
    _haproxy("1.3", "tickets", "", TICKETS_HINTED),
    _haproxy("1.3", "tickets", "", TICKETS_HINTED, key="RSA"),
    _haproxy("1.3", "tickets", HAPROXY_CLIENT, TICKETS_HINTED, **WITH_CLIENT),
    _haproxy("1.3", "IDs in tickets", "no-tls-tickets", STATEFUL_HINTED),
    _haproxy("1.3", ANOTHER_GROUP, "curves P-384", TICKETS_HINTED),
    _caddy("1.2", "tickets", "", TICKETS_FOR_GOOD),
    _caddy("1.2", "tickets", "", TICKETS_FOR_GOOD, key="RSA"),
    _caddy("1.2", "tickets", CADDY_CLIENT, TICKETS_FOR_GOOD, **WITH_CLIENT),
    _caddy("1.3", "tickets", "", TICKETS_FOR_GOOD),
    _caddy("1.3", "tickets", "", TICKETS_FOR_GOOD, key="RSA"),
    _caddy("1.3", "tickets", CADDY_CLIENT, TICKETS_FOR_GOOD, **WITH_CLIENT),
    _bun("1.2", "tickets", "", TICKETS_FOR_GOOD),
    _bun("1.2", "tickets", "", TICKETS_FOR_GOOD, key="RSA"),
    _bun("1.2", "tickets", "{client_ca}", TICKETS_FOR_GOOD, **WITH_CLIENT),
    _bun("1.3", "tickets", "", TICKETS_FOR_GOOD),
    _bun("1.3", "tickets", "", TICKETS_FOR_GOOD, key="RSA"),
    _bun("1.3", "tickets", "{client_ca}", TICKETS_FOR_GOOD, **WITH_CLIENT),
    _deno("1.2", "IDs", STATEFUL),
    _deno("1.2", "IDs", STATEFUL, key="RSA"),
    _deno("1.3", "IDs in tickets", STATEFUL),
    _deno("1.3", "IDs in tickets", STATEFUL, key="RSA"),
    _wolfssl("1.2", "tickets", "", TICKETS_HINTED, recovers=False),
    _wolfssl("1.2", "tickets", "", PSS_HINTED, key="RSA"),
    _wolfssl("1.2", "tickets", "", TICKETS_HINTED, recovers=False, key="RSA", tls13=False),
    _wolfssl("1.2", "tickets", "{client_ca}", TICKETS_HINTED, recovers=False, **WITH_CLIENT),
    _wolfssl("1.3", "tickets", "", TICKETS_HINTED),
    _wolfssl("1.3", "tickets", "", TICKETS_HINTED, key="RSA"),
    _wolfssl("1.3", "tickets", "{client_ca}", TICKETS_HINTED, **WITH_CLIENT),
    _wolfssl("1.3", ANOTHER_GROUP, "P-384", TICKETS_HINTED),
    _erlang("1.2", "IDs", "disabled", STATEFUL),
    _erlang("1.2", "IDs", "disabled", STATEFUL, key="RSA"),
    _erlang("1.2", "IDs", "disabled {client_ca}", STATEFUL, **WITH_CLIENT),
    _erlang("1.3", "IDs in tickets", "stateful", STATEFUL),
    _erlang("1.3", "tickets", "stateless", TICKETS_FOR_GOOD),
    _erlang("1.3", "tickets", "stateless", TICKETS_FOR_GOOD, key="RSA"),
    _erlang("1.3", "tickets", "stateless {client_ca}", TICKETS_FOR_GOOD, **WITH_CLIENT),
    _erlang("1.3", ANOTHER_GROUP, "stateless group=secp384r1", COOKIE),
    _botan("IDs", "", STATEFUL),
    _botan("IDs", "", PSS_FOR_GOOD, key="RSA"),
    _botan("IDs", "", STATEFUL, key="RSA", tls13=False),
]
