"""PEM to DER."""

from raises import raises
from tlsresume.pem import to_der

CERTIFICATE = b"-----BEGIN CERTIFICATE-----\nAQID\nBAUG\n-----END CERTIFICATE-----\n"
KEY = (
    b"-----BEGIN EC PARAMETERS-----\nAAAA\n-----END EC PARAMETERS-----\n"
    b"-----BEGIN EC PRIVATE KEY-----\nBwgJ\n-----END EC PRIVATE KEY-----\n"
)


def test_der_is_left_alone():
    assert to_der(b"\x30\x01\x02", b"CERTIFICATE") == [b"\x30\x01\x02"]


def test_pem_is_decoded():
    assert to_der(CERTIFICATE, b"CERTIFICATE") == [b"\1\2\3\4\5\6"]


def test_pem_may_be_a_str():
    assert to_der(CERTIFICATE.decode(), b"CERTIFICATE") == [b"\1\2\3\4\5\6"]


def test_a_chain_is_a_list():
    assert len(to_der(CERTIFICATE * 3, b"CERTIFICATE")) == 3


def test_other_blocks_are_skipped():
    assert to_der(KEY, b"PRIVATE KEY") == [b"\7\x08\x09"]


def test_pem_without_the_block_is_an_error():
    assert raises(ValueError, to_der, CERTIFICATE, b"PRIVATE KEY")


def test_truncated_pem_is_an_error():
    assert raises(ValueError, to_der, CERTIFICATE[:40], b"CERTIFICATE")
