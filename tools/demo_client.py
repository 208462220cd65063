# What runs on MicroPython in `make demo`: an ordinary client that knows nothing of sessions.
import json
import socket
import sys
import time

import tls
import tlsresume

port, ca, times = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])

ctx = tlsresume.SSLContext(tls.PROTOCOL_TLS_CLIENT)
ctx.load_verify_locations(ca)

for _ in range(times):
    s = socket.socket()
    s.connect(socket.getaddrinfo("127.0.0.1", port)[0][-1])
    start = time.ticks_us()
    s = ctx.wrap_socket(s, server_hostname="localhost")
    us = time.ticks_diff(time.ticks_us(), start)
    s.write(b"hello\n")
    assert s.readline() == b"olleh\n"
    print(json.dumps({"reused": s.session_reused, "version": s.cipher()[1], "us": us}))
    s.close()
