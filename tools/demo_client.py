# What runs on MicroPython in `make demo`: an ordinary client that knows nothing of sessions.
# Before it stand HOST, PORT, CA (DER) and TIMES.
import json
import socket
import time

import tls
import tlsresume

ctx = tlsresume.SSLContext(tls.PROTOCOL_TLS_CLIENT)
ctx.load_verify_locations(CA)

for _ in range(TIMES):
    s = socket.socket()
    s.connect(socket.getaddrinfo(HOST, PORT)[0][-1])
    start = time.ticks_us()
    s = ctx.wrap_socket(s, server_hostname="localhost")
    us = time.ticks_diff(time.ticks_us(), start)
    s.write(b"hello\n")
    assert s.readline() == b"olleh\n"
    print(json.dumps({"reused": s.session_reused, "version": s.cipher()[1], "us": us}))
    s.close()
