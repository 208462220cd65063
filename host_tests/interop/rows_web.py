"""The rows of web servers."""

from daemons import Nginx
from daemons_web import Apache, Lighttpd, Node
from interop.phases import DECLINED, NONE, REFUSED
from interop.rows import (
    ANOTHER_GROUP,
    CACHE,
    FORGOT,
    HINT,
    KEYS,
    ONCE,
    OTHER,
    RESUMED,
    SHARED_KEYS,
    SHARED_KEYS_ONCE,
    STRANGERS,
    TICKETS,
    TICKETS_ONCE,
    Expected,
    Row,
    never,
)


def _nginx(version, configuration, options, expected, cache="shared:tls:1m", **kwargs):
    def start(site):
        told = f"ssl_protocols TLSv{version}; {site(options)}"
        return Nginx(site.certificate, site.root, told, cache)

    return Row("nginx", f"TLS {version}, {configuration}", start, expected, **kwargs)


def _apache(version, configuration, options, expected, cache="shmcb:sessions(102400)", **kwargs):
    def start(site):
        return Apache(site.certificate, f"SSLProtocol TLSv{version}\n{site(options)}", cache)

    return Row("Apache", f"TLS {version}, {configuration}", start, expected, **kwargs)


def _lighttpd(module, version, configuration, options, expected, flags="", **kwargs):
    def start(site):
        commands = dict(MinProtocol=f"TLSv{version}", MaxProtocol=f"TLSv{version}")
        if flags:
            commands["Options"] = flags
        return Lighttpd(site.certificate, module, commands, site(options))

    name = f"lighttpd mod_{module}"
    return Row(name, f"TLS {version}, {configuration}", start, expected, **kwargs)


def _node(version, configuration, settings, expected, client_certificate=False, **kwargs):
    def start(site):
        only = dict(minVersion=f"TLSv{version}", maxVersion=f"TLSv{version}")
        client = dict(requestCert=True, ca=site.client_ca) if client_certificate else {}
        return Node(site.certificate, {**only, **client, **settings})

    name = f"TLS {version}, {configuration}"
    kwargs["client_certificate"] = client_certificate
    return Row("Node.js", name, start, expected, **kwargs)


NGINX_CLIENT = "ssl_client_certificate {client_ca}; ssl_verify_client on;"
NGINX_KEYS = "ssl_session_ticket_key {ticket_key};"
NGINX_IDS = "ssl_session_tickets off;"
SHARED_CACHE = RESUMED, RESUMED, CACHE
# From there on nginx keeps its keys with its sessions, in memory that outlives a reload.
NGINX_SINCE = "1.23.2", (RESUMED, RESUMED, KEYS, HINT)

APACHE_CLIENT = "SSLVerifyClient require\nSSLCACertificateFile {client_ca}"
APACHE_KEYS = "SSLSessionTicketKeyFile {ticket_key}"
APACHE_IDS = "SSLSessionTickets off"
APACHE_CACHE = Expected(DECLINED, "a graceful restart makes a new, empty cache")

LIGHTTPD_CLIENT = """ssl.ca-file = "{client_ca}"
ssl.verifyclient.activate = "enable"
ssl.verifyclient.enforce = "enable"
"""
LIGHTTPD_KEYS = 'ssl.stek-file = "{stek}"'
LIGHTTPD_ENDS = Expected(
    REFUSED, "lighttpd 1.4.69 with mod_gnutls and `ssl.ca-file` ends with SIGSEGV instead"
)
LIGHTTPD_IDS = "lighttpd has tickets only, and no cache"

NODE_KEYS = dict(ticketKeys="5a" * 48)
NODE_SAME = dict(NODE_KEYS, sessionIdContext="tlsresume")
NODE_GROUP = dict(ecdhCurve="P-384")
NODE_IDS = dict(tickets=False)
NODE_STORE = dict(tickets=False, store=True)
NODE_NO_STORE = "Node.js keeps no sessions: the application must, on `newSession`, `resumeSession`"
NODE_OTHER = Expected(
    DECLINED, "without `sessionIdContext` Node.js binds a session to a hash of its command line"
)
NODE_CONTEXT = NODE_OTHER, NODE_OTHER, NODE_OTHER, HINT
NODE_LOOKUP = Expected(
    DECLINED, "Node.js asks `resumeSession` for the ID in a ClientHello only, not for a ticket's"
)
NODE_TLS13 = NODE_LOOKUP, NODE_LOOKUP, NODE_LOOKUP, HINT


def _lighttpd_tickets(module, version, again, reload_with_ca=KEYS):
    """The rows of a module that gives tickets; `again` is what becomes of three connections."""
    own, shared = (again, KEYS, KEYS, None), (again, RESUMED, RESUMED, None)
    client = again, reload_with_ca, KEYS, None

    def row(configuration, options, expected, **kwargs):
        return _lighttpd(module, version, configuration, options, expected, **kwargs)

    return [
        row("tickets", "", own),
        row("tickets", "", own, key="RSA"),
        row("tickets", LIGHTTPD_CLIENT, client, client_certificate=True),
        row("tickets, key file", LIGHTTPD_KEYS, shared),
        row("tickets", "", (OTHER, OTHER, OTHER, None), pair=True),
        row("tickets, key file", LIGHTTPD_KEYS, shared, pair=True),
    ]


def _lighttpd_ids(module, outcome):
    expected = never(outcome, LIGHTTPD_IDS)
    return _lighttpd(module, "1.2", "no tickets", "", expected, flags="-SessionTicket")


ROWS = [
    _nginx("1.2", "IDs", NGINX_IDS, (*SHARED_CACHE, FORGOT)),
    _nginx("1.2", "tickets", "", TICKETS, since=NGINX_SINCE),
    _nginx("1.2", "tickets", "", TICKETS, since=NGINX_SINCE, key="RSA"),
    _nginx("1.2", "tickets", NGINX_CLIENT, TICKETS, since=NGINX_SINCE, client_certificate=True),
    _nginx("1.2", "tickets, key file", NGINX_KEYS, SHARED_KEYS),
    _nginx("1.2", "tickets", "", STRANGERS, pair=True),
    _nginx("1.2", "tickets, key file", NGINX_KEYS, SHARED_KEYS, pair=True),
    _nginx(
        "1.2",
        "no cache (`none`), no tickets",
        NGINX_IDS,
        never(DECLINED, "nginx's default, `none`: it gives IDs and keeps none", timeout=True),
        cache="none",
    ),
    _nginx(
        "1.2",
        "no cache (`off`), no tickets",
        NGINX_IDS,
        never(NONE, "`off`: it gives no sessions", timeout=True),
        cache="off",
    ),
    _nginx("1.3", "tickets", "", TICKETS, since=NGINX_SINCE),
    _nginx("1.3", "tickets", "", TICKETS, since=NGINX_SINCE, key="RSA"),
    _nginx("1.3", "tickets", NGINX_CLIENT, TICKETS, since=NGINX_SINCE, client_certificate=True),
    _nginx("1.3", "IDs in tickets", NGINX_IDS, (*SHARED_CACHE, HINT)),
    _nginx("1.3", "tickets, key file", NGINX_KEYS, SHARED_KEYS),
    _nginx("1.3", ANOTHER_GROUP, "ssl_ecdh_curve secp384r1;", TICKETS, since=NGINX_SINCE),
    _nginx("1.3", "tickets", "", STRANGERS, pair=True),
    _nginx("1.3", "tickets, key file", NGINX_KEYS, SHARED_KEYS, pair=True),
    _apache("1.2", "IDs", APACHE_IDS, (RESUMED, APACHE_CACHE, CACHE, FORGOT)),
    _apache("1.2", "tickets", "", TICKETS),
    _apache("1.2", "tickets", "", TICKETS, key="RSA"),
    _apache("1.2", "tickets", APACHE_CLIENT, TICKETS, client_certificate=True),
    _apache("1.2", "tickets, key file", APACHE_KEYS, SHARED_KEYS),
    _apache(
        "1.2",
        "no cache (`none`), no tickets",
        APACHE_IDS,
        never(NONE, "`none`: it gives no sessions", timeout=True),
        cache="none",
    ),
    _apache(
        "1.2",
        "no cache (`nonenotnull`), no tickets",
        APACHE_IDS,
        never(DECLINED, "`nonenotnull`: it gives IDs and keeps none", timeout=True),
        cache="nonenotnull",
    ),
    _apache("1.3", "tickets", "", TICKETS),
    _apache("1.3", "tickets", "", TICKETS, key="RSA"),
    _apache("1.3", "tickets", APACHE_CLIENT, TICKETS, client_certificate=True),
    _apache("1.3", "IDs in tickets", APACHE_IDS, (RESUMED, APACHE_CACHE, CACHE, HINT)),
    _apache("1.3", "tickets, key file", APACHE_KEYS, SHARED_KEYS_ONCE),
    _apache("1.3", ANOTHER_GROUP, "SSLOpenSSLConfCmd Groups P-384", TICKETS),
    _apache("1.3", "tickets", "", STRANGERS, pair=True),
    _apache("1.3", "tickets, key file", APACHE_KEYS, SHARED_KEYS_ONCE, pair=True),
    *_lighttpd_tickets("openssl", "1.2", RESUMED),
    *_lighttpd_tickets("openssl", "1.3", ONCE),
    _lighttpd_ids("openssl", NONE),
    *_lighttpd_tickets("gnutls", "1.2", RESUMED, reload_with_ca=LIGHTTPD_ENDS),
    *_lighttpd_tickets("gnutls", "1.3", RESUMED, reload_with_ca=LIGHTTPD_ENDS),
    _lighttpd_ids("gnutls", DECLINED),
    *_lighttpd_tickets("mbedtls", "1.2", RESUMED),
    _lighttpd_ids("mbedtls", DECLINED),
    _node("1.2", "tickets", {}, TICKETS),
    _node("1.2", "tickets", {}, TICKETS, key="RSA"),
    _node("1.2", "tickets", {}, TICKETS, key="RSA", tls13=False),
    _node("1.2", "tickets", {}, TICKETS, client_certificate=True),
    _node("1.2", "tickets, ticketKeys", NODE_KEYS, SHARED_KEYS),
    _node("1.2", "tickets, cluster of two", dict(workers=2), TICKETS),
    _node("1.2", "tickets", {}, STRANGERS, pair=True),
    _node("1.2", "tickets, ticketKeys", NODE_KEYS, NODE_CONTEXT, pair=True),
    _node("1.2", "tickets, ticketKeys, sessionIdContext", NODE_SAME, SHARED_KEYS, pair=True),
    _node("1.2", "IDs", NODE_IDS, never(DECLINED, NODE_NO_STORE, timeout=True)),
    _node("1.2", "IDs, kept by the application", NODE_STORE, (*SHARED_CACHE, FORGOT)),
    _node("1.3", "tickets", {}, TICKETS_ONCE),
    _node("1.3", "tickets", {}, TICKETS, reuse_tickets=True),
    _node("1.3", "tickets", {}, TICKETS_ONCE, key="RSA"),
    _node("1.3", "tickets", {}, TICKETS_ONCE, client_certificate=True),
    _node("1.3", "tickets, ticketKeys", NODE_KEYS, SHARED_KEYS_ONCE),
    _node("1.3", ANOTHER_GROUP, NODE_GROUP, TICKETS_ONCE),
    _node("1.3", "tickets, cluster of two", dict(workers=2), TICKETS_ONCE),
    _node("1.3", "tickets", {}, STRANGERS, pair=True),
    _node("1.3", "tickets, ticketKeys, sessionIdContext", NODE_SAME, SHARED_KEYS_ONCE, pair=True),
    _node("1.3", "IDs in tickets", NODE_IDS, NODE_TLS13),
    _node("1.3", "IDs in tickets, kept by the application", NODE_STORE, NODE_TLS13),
]
