"""The secrets that a TLSServer has noted, in the NSS key log format."""


def master_secret(path):
    """The master secret (bytes) of the first TLS 1.2 session in a key log."""
    line = next(x for x in path.read_text().splitlines() if x.startswith("CLIENT_RANDOM"))
    return bytes.fromhex(line.split()[2])
