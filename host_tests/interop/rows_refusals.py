"""The rows of servers that refuse what is offered: each refusal costs one connection, none in a
row, and all succeed that offer nothing."""

from interop.phases import HELD_BACK, REFUSED
from interop.rows import KEYS, Expected, Row
from interop.servers import PythonSSL, Refusing

NO_CONTEXT = (
    "it asks for client certificates and has no session ID context: OpenSSL then ends each"
    " handshake with an offered session by a fatal alert"
)
OTHER_VERSION = "a session is offered in its own version, and the other server has only the other"
TWICE = f"{REFUSED}, {HELD_BACK}, {REFUSED}"  # then none is offered for a minute, and ever longer


def _refusing(version):
    expected = Expected(TWICE, NO_CONTEXT)
    return Row(
        "OpenSSL's library",
        f"TLS {version}, refuses what is offered",
        lambda site: Refusing(site.certificate, version),
        (expected, None, KEYS, None),
        recovers=False,
    )


ROWS = [
    _refusing("1.2"),
    _refusing("1.3"),
    Row(
        "Python ssl, nodes of two versions",
        "TLS 1.2 and TLS 1.3 in turn, tickets",
        lambda site: PythonSSL(site.certificate, "1.2"),
        (Expected(TWICE, OTHER_VERSION), None, Expected(REFUSED, OTHER_VERSION), None),
        partner=lambda site: PythonSSL(site.certificate, "1.3"),
        recovers=False,
    ),
]
