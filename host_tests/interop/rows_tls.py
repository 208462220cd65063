"""The rows of servers of TLS itself, and of MQTT."""

from command import Missing
from daemons import GnuTLS, Mosquitto
from daemons_tls import MicroPython, SSLServer2, Stunnel
from interop.phases import DECLINED, NONE
from interop.rows import (
    ANOTHER_GROUP,
    CACHE,
    FORGOT,
    HINT,
    IDS_FOR_GOOD,
    KEYS,
    RESUMED,
    SHARED_KEYS,
    TICKETS,
    TICKETS_FOR_GOOD,
    Row,
    never,
)
from interop.servers import PythonSSL, SServer

TICKETS_ONLY = "the server has no tickets to give, and TLS 1.3 has no other sessions"


def _s_server(configuration, options, expected, **kwargs):
    def start(site):
        return SServer(site.certificate, *site(options).split())

    return Row("OpenSSL s_server", configuration, start, expected, **kwargs)


def _gnutls(version, configuration, options, expected, groups="", **kwargs):
    def start(site):
        priority = f"NORMAL:-VERS-ALL:+VERS-TLS{version}{groups}"
        return GnuTLS(site.certificate, priority, *site(options).split())

    return Row("GnuTLS gnutls-serv", f"TLS {version}, {configuration}", start, expected, **kwargs)


def _python(version, configuration, expected, tickets=2, **kwargs):
    def start(site):
        client_ca = site.client_ca if kwargs.get("client_certificate") else None
        return PythonSSL(site.certificate, version, tickets, client_ca=client_ca)

    return Row("Python ssl", f"TLS {version}, {configuration}", start, expected, **kwargs)


def _stunnel(version, configuration, options, expected, **kwargs):
    def start(site):
        return Stunnel(site.certificate, f"sslVersion = TLSv{version}\n{site(options)}")

    return Row("stunnel", f"TLS {version}, {configuration}", start, expected, **kwargs)


def _mosquitto(version, **kwargs):
    def start(site):
        client_ca = site.client_ca if kwargs.get("client_certificate") else None
        return Mosquitto(site.certificate, site.client_ca, client_ca)

    expected = RESUMED, RESUMED, KEYS, None
    kwargs["tls13"] = version == "1.3"  # mosquitto cannot be held to 1.2
    return Row("mosquitto", f"TLS {version}, tickets", start, expected, **kwargs)


def _mbedtls(version, configuration, options, expected, **kwargs):
    def start(site):
        if isinstance(site.ssl_server2, Exception):
            raise Missing(str(site.ssl_server2))
        force = f"force_version=tls{version.replace('.', '')}"
        return SSLServer2(site.ssl_server2, site.certificate, force, *site(options).split())

    return Row(
        "Mbed TLS ssl_server2", f"TLS {version}, {configuration}", start, expected, **kwargs
    )


CLIENT = "-Verify 1 -CAfile {client_ca}"
GNUTLS_CLIENT = "--require-client-cert --x509cafile={client_ca}"
STUNNEL_CLIENT = "options = -NO_TICKET\nverifyChain = yes\nrequireCert = yes\nCAfile = {client_ca}"
STUNNEL_KEYS = (
    f"options = -NO_TICKET\nticketKeySecret = {'5a' * 32}\nticketMacSecret = {'a5' * 32}"
)
MBEDTLS_CLIENT = "auth_mode=required ca_file={client_ca}"
MBEDTLS_TICKETS = RESUMED, None, KEYS, HINT

ROWS = [
    _s_server("TLS 1.2, IDs", "-tls1_2 -no_ticket", IDS_FOR_GOOD),
    _s_server("TLS 1.2, tickets", "-tls1_2", TICKETS_FOR_GOOD),
    _s_server("TLS 1.2, tickets", "-tls1_2", TICKETS_FOR_GOOD, key="RSA"),
    _s_server("TLS 1.2, tickets", f"-tls1_2 {CLIENT}", TICKETS_FOR_GOOD, client_certificate=True),
    _s_server("TLS 1.3, tickets", "-tls1_3", TICKETS_FOR_GOOD),
    _s_server("TLS 1.3, tickets", "-tls1_3", TICKETS_FOR_GOOD, key="RSA"),
    _s_server("TLS 1.3, IDs in tickets", "-tls1_3 -no_ticket", IDS_FOR_GOOD),
    _s_server("TLS 1.3, tickets", f"-tls1_3 {CLIENT}", TICKETS_FOR_GOOD, client_certificate=True),
    _s_server(
        "TLS 1.2, no cache, no tickets",
        "-tls1_2 -no_ticket -no_cache",
        never(NONE, "no cache, no tickets: the server gives no session", reload=False),
    ),
    _gnutls("1.2", "IDs", "--noticket", IDS_FOR_GOOD),
    _gnutls("1.2", "tickets", "", TICKETS_FOR_GOOD),
    _gnutls("1.2", "tickets", "", TICKETS_FOR_GOOD, key="RSA"),
    _gnutls("1.2", "tickets", GNUTLS_CLIENT, TICKETS_FOR_GOOD, client_certificate=True),
    _gnutls("1.3", "tickets", "", TICKETS_FOR_GOOD),
    _gnutls("1.3", "tickets", "", TICKETS_FOR_GOOD, key="RSA"),
    _gnutls("1.3", "tickets", GNUTLS_CLIENT, TICKETS_FOR_GOOD, client_certificate=True),
    _gnutls("1.3", ANOTHER_GROUP, "", TICKETS_FOR_GOOD, groups=":-GROUP-ALL:+GROUP-SECP384R1"),
    _gnutls("1.3", "no tickets", "--noticket", never(NONE, TICKETS_ONLY, reload=False)),
    _python("1.2", "IDs", IDS_FOR_GOOD, tickets=False),
    _python("1.2", "tickets", TICKETS_FOR_GOOD),
    _python("1.2", "tickets", TICKETS_FOR_GOOD, key="RSA"),
    _python("1.2", "tickets", TICKETS_FOR_GOOD, client_certificate=True),
    _python("1.3", "tickets", TICKETS_FOR_GOOD),
    _python("1.3", "tickets", TICKETS_FOR_GOOD, key="RSA"),
    _python("1.3", "tickets", TICKETS_FOR_GOOD, client_certificate=True),
    _stunnel("1.2", "IDs", "options = NO_TICKET", (RESUMED, CACHE, CACHE, FORGOT)),
    _stunnel("1.2", "tickets", "options = -NO_TICKET", TICKETS),
    _stunnel("1.2", "tickets", "options = -NO_TICKET", TICKETS, key="RSA"),
    _stunnel("1.2", "tickets", STUNNEL_CLIENT, TICKETS, client_certificate=True),
    _stunnel("1.2", "tickets, ticketKeySecret", STUNNEL_KEYS, SHARED_KEYS),
    _stunnel("1.3", "tickets", "options = -NO_TICKET", TICKETS),
    _stunnel("1.3", "tickets", "options = -NO_TICKET", TICKETS, key="RSA"),
    _stunnel("1.3", "tickets", STUNNEL_CLIENT, TICKETS, client_certificate=True),
    _stunnel("1.3", ANOTHER_GROUP, "options = -NO_TICKET\ncurves = P-384", TICKETS),
    _stunnel("1.3", "tickets, ticketKeySecret", STUNNEL_KEYS, SHARED_KEYS),
    _mosquitto("1.2"),
    _mosquitto("1.2", key="RSA"),
    _mosquitto("1.2", client_certificate=True),
    _mosquitto("1.3"),
    _mosquitto("1.3", key="RSA"),
    _mosquitto("1.3", client_certificate=True),
    _mbedtls("1.2", "IDs", "tickets=0", (RESUMED, None, CACHE, FORGOT)),
    _mbedtls("1.2", "tickets", "", MBEDTLS_TICKETS),
    _mbedtls("1.2", "tickets", "", MBEDTLS_TICKETS, key="RSA"),
    _mbedtls("1.2", "tickets", MBEDTLS_CLIENT, MBEDTLS_TICKETS, client_certificate=True),
    _mbedtls("1.3", "tickets", "", MBEDTLS_TICKETS),
    _mbedtls("1.3", "tickets", "", MBEDTLS_TICKETS, key="RSA"),
    _mbedtls("1.3", "tickets", MBEDTLS_CLIENT, MBEDTLS_TICKETS, client_certificate=True),
    _mbedtls(
        "1.3", "no tickets", "tickets=0", never(NONE, TICKETS_ONLY, timeout=True, reload=False)
    ),
    Row(
        "MicroPython tls",
        "TLS 1.2, as it comes",
        lambda site: MicroPython(site.micropython_tls12, site.certificate),
        never(
            DECLINED,
            "`tls` gives its servers neither a cache nor tickets: their IDs lead nowhere",
            reload=False,
        ),
    ),
    Row(
        "MicroPython tls",
        "TLS 1.3, as it comes",
        lambda site: MicroPython(site.micropython, site.certificate),
        never(NONE, TICKETS_ONLY, reload=False),
    ),
]
