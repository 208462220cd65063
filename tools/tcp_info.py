"""What the kernel has counted of a TCP connection (Linux, TCP_INFO)."""

import socket
import struct
from collections import namedtuple

HEADERS = 40  # bytes of IPv4 and TCP a segment, without options

_COUNTS = struct.Struct("=2I8x2I")  # tcpi_segs_out, _segs_in, _data_segs_in, _data_segs_out
_OFFSET = 136  # of tcpi_segs_out in struct tcp_info (linux/tcp.h)

Segments = namedtuple("Segments", "came went data_came data_went")


def segments(sock):
    """How many segments `sock` has got and sent, and how many of them with data."""
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _OFFSET + _COUNTS.size)
    went, came, data_came, data_went = _COUNTS.unpack_from(info, _OFFSET)
    return Segments(came, went, data_came, data_went)
