"""What the rows find on this machine."""

import struct


class Site:
    """Certificates and files for servers of one kind of key, as attributes; a call fills their
    names into a text."""

    def __init__(self, folder, certs, key, micropython, micropython_tls12, ssl_server2):
        authority = {"ECDSA": certs.ca, "RSA": certs.rsa_ca}[key]
        self.certificate = {"ECDSA": certs.server, "RSA": certs.rsa}[key]
        self.certificate_der = self.certificate.with_suffix(".der").read_bytes()
        self.ca_der = authority.der
        self.client, self.client_ca = str(certs.a), certs.ca.pem
        self.micropython, self.micropython_tls12 = micropython, micropython_tls12
        self.ssl_server2 = ssl_server2
        self.root = folder / "www"
        self.root.mkdir(exist_ok=True)
        (self.root / "page").write_text("hello\n")
        self.ticket_key = folder / "ticket.key"
        self.ticket_key.write_bytes(bytes(range(48)))
        self.stek = folder / "stek"
        self.stek.write_bytes(struct.pack("=III", 0, 0x01010101, 0x7F7F7F7F) + bytes(range(80)))

    def __call__(self, text):
        return text.format(**vars(self))
