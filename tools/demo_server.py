# What runs on MicroPython in the second half of `make demo`: an ordinary server. It makes the TCP
# connections itself, since a board may be where nobody can connect to it.
# Before it stand HOST, PORT, CERT and KEY (DER) and TIMES.
import json
import socket
import time

import tls
import tlsresume

ctx = tlsresume.SSLContext(tls.PROTOCOL_TLS_SERVER)
ctx.load_cert_chain(CERT, KEY)

for _ in range(TIMES):
    s = socket.socket()
    s.connect(socket.getaddrinfo(HOST, PORT)[0][-1])
    start = time.ticks_us()
    s = ctx.wrap_socket(s, server_side=True)
    us = time.ticks_diff(time.ticks_us(), start)
    s.write(s.readline())
    print(json.dumps({"reused": s.session_reused, "version": s.cipher()[1], "us": us}))
    s.close()
