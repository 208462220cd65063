"""AES-256-GCM by PSA, which Mbed TLS is built with for TLS 1.3, and by mbedtls/gcm.h."""

import pytest


@pytest.fixture(params=("micropython", "micropython_tls12"))
def firmware(request):
    return request.getfixturevalue(request.param)


def test_it_is_nists(run, firmware):
    """Test case 14 of the GCM specification."""
    got = run(
        """
import _tlsresume as t
result(sealed=t.seal(bytes(32), bytes(12), b"", bytes(16)).hex())
""",
        firmware=firmware,
    )
    assert got["sealed"] == "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"


def test_what_is_sealed_opens_and_nothing_else_does(run, firmware):
    got = run(
        """
import _tlsresume as t
key, nonce = b"k" * 32, b"n" * 12
def opened(key, nonce, aad, sealed):
    data = t.unseal(key, nonce, aad, sealed)
    return data if data is None else data.decode()
def damaged(sealed, i):
    sealed = bytearray(sealed)
    sealed[i] ^= 1
    return sealed
found = []
for data in b"", b"secret" * 100:
    sealed = t.seal(key, nonce, b"aad", data)
    others = [opened(key, nonce, b"aad", damaged(sealed, i)) for i in range(len(sealed))]
    others += [opened(key, nonce, b"aad", sealed[:n]) for n in range(len(sealed))]
    others += [opened(b"o" * 32, nonce, b"aad", sealed), opened(key, b"o" * 12, b"aad", sealed)]
    others += [opened(key, nonce, b"", sealed)]
    found.append([opened(key, nonce, b"aad", sealed), set(others) == {None}])
result(found=found)
""",
        firmware=firmware,
    )
    assert got["found"] == [["", True], ["secret" * 100, True]]


def test_a_key_of_another_length_is_refused(run, firmware):
    got = run(
        """
import _tlsresume as t
try:
    t.seal(bytes(16), bytes(12), b"", b"")
except ValueError as e:
    result(error=str(e))
""",
        firmware=firmware,
    )
    assert got["error"] == "key must be 32 bytes"
