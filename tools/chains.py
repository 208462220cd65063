"""The certificate chains that the servers of the benchmark show."""

from dataclasses import dataclass

from certificates import Authority

KINDS = {"ecdsa": "ECDSA P-256", "rsa": "RSA-2048"}
LENGTHS = (1, 3)


@dataclass(frozen=True)
class Chain:
    """`certificate`: a path without suffix (see certificates.py); `authority` signed it."""

    name: str
    authority: Authority
    certificate: str


def chains(folder):
    """A list: the first is the one that most figures use."""
    made = []
    for kind, title in KINDS.items():
        authority = Authority(folder, kind=kind)
        for length in LENGTHS:
            certificate = authority.issue("server", server=True, length=length)
            made.append(Chain(f"{title} × {length}", authority, str(certificate)))
    return made
