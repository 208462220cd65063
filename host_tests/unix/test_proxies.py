"""The proxies between client and server: each connection is its own, and none is lost."""

import socket
from contextlib import closing, suppress

import pytest
from counting_proxy import CountingProxy
from faulty_proxy import OUT, FaultyProxy
from listener import Listener


@pytest.fixture
def echo():
    """The port of a server that sends back what it receives."""

    def serve(sock):
        with sock, suppress(OSError):
            while data := sock.recv(100):
                sock.sendall(data)

    with closing(Listener(serve)) as listener:
        yield listener.port


def ended(sock):
    try:
        return sock.recv(100) == b""
    except ConnectionResetError:
        return True


def talk(sock, data=b"hello"):
    sock.sendall(data)
    return sock.recv(100)


@pytest.mark.parametrize("how", ["rst", "fin"])
def test_a_fault_ends_its_own_connection_alone(echo, how):
    with FaultyProxy(echo, [(OUT, 1, how)]) as proxy:
        with socket.create_connection(("127.0.0.1", proxy.port)) as one:
            with socket.create_connection(("127.0.0.1", proxy.port)) as other:
                assert talk(other) == b"hello"
                one.sendall(b"hello")
                assert ended(one)
                one.close()
                proxy.wait(1)
                assert talk(other) == b"hello"
        proxy.wait(1)


def test_a_connection_to_nowhere_has_ended_too():
    with closing(socket.create_server(("127.0.0.1", 0))) as nobody:
        port = nobody.getsockname()[1]
    with CountingProxy(port) as proxy:
        with socket.create_connection(("127.0.0.1", proxy.port)) as client:
            assert client.recv(100) == b""
        proxy.wait(1)
        assert proxy.counts == [[0, 0]]
