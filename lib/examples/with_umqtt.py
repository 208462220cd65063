"""Connect, publish, disconnect, as a board that wakes and sleeps: all but the first resume.

With micropython-umqtt.simple2 of PyPI.
"""

import tlsresume

tlsresume.install()

from umqtt.simple2 import MQTTClient

HOST = "broker.example.com"
PORT = 8883
# As ssl.wrap_socket takes them. Without cadata (the CA, DER) and cert_reqs=ssl.CERT_REQUIRED
# nobody checks who answers; cert and key (DER) are the client's own.
SSL_PARAMS = {"server_hostname": HOST}

for reading in range(3):
    client = MQTTClient("board", HOST, PORT, ssl=True, ssl_params=SSL_PARAMS)
    client.connect()
    client.publish(b"reading", str(reading), qos=1)
    client.wait_msg()
    print("published", reading, "resumed", client.sock.session_reused)  # type: ignore
    client.disconnect()
