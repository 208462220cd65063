"""MQTT to a broker that wants to see a certificate: all but the first connection resume.

A session belongs to the certificate that it was earned with, and is offered with no other.

1. `mpremote cp -r build/libraries/umqtt :lib/`, which `make libraries` gets from PyPI
   (micropython-umqtt.simple2), and `mpremote cp ca.pem cert.pem key.pem :`, the CA of the broker
   below, and the board's own certificate and key, as the broker's owner has issued them.
2. Let the board join a network and know the time (`ntptime.settime()`), as in its boot.py.
3. `mpremote run lib/examples/with_client_certificate.py`
"""

import tlsresume

tlsresume.install()

import ssl

from umqtt.simple2 import MQTTClient

HOST = "mqtt.example.com"
PORT = 8883


def read(path):
    with open(path, "rb") as f:
        return f.read()


# As ssl.wrap_socket takes them.
SSL_PARAMS = {
    "server_hostname": HOST,
    "cert_reqs": ssl.CERT_REQUIRED,
    "cadata": read("ca.pem"),
    "cert": read("cert.pem"),
    "key": read("key.pem"),
}

for reading in range(3):
    client = MQTTClient("board", HOST, PORT, ssl=True, ssl_params=SSL_PARAMS)
    client.connect()
    client.publish(b"reading", str(reading), qos=1)
    client.wait_msg()
    print("published", reading, "resumed", getattr(client.sock, "session_reused", None))
    client.disconnect()
