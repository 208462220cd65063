"""A mail server that starts TLS when it is asked to: aiosmtpd."""

import ssl

from aiosmtpd.controller import Controller
from ports import free_port


class SMTPServer:
    """On 127.0.0.1, port `port`, with STARTTLS. `certificate` is a path without suffix, `version`
    a ssl.TLSVersion. `mails` has the bytes of what was sent."""

    def __init__(self, certificate, version):
        self.mails = []
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(f"{certificate}.pem", f"{certificate}.key")
        self._context.minimum_version = self._context.maximum_version = version
        self.port = free_port()
        self._controller = Controller(
            self,
            hostname="127.0.0.1",
            port=self.port,
            tls_context=self._context,
            require_starttls=True,
        )
        self._controller.start()

    def reused(self):
        """How many connections were resumed, by OpenSSL's word."""
        return self._context.session_stats()["hits"]

    async def handle_DATA(self, server, session, envelope):
        self.mails.append(envelope.content)
        return "250 taken"

    def close(self):
        self._controller.stop()
