"""MQTT: connect, publish, disconnect. All but the first connection resume.

1. `mpremote cp -r build/libraries/umqtt :lib/`, which `make libraries` gets from PyPI
   (micropython-umqtt.simple2), and `mpremote cp ca.pem :`, the CA of the broker below.
2. Let the board join a network and know the time (`ntptime.settime()`), as in its boot.py.
3. `mpremote run lib/examples/with_umqtt.py`
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
SSL_PARAMS = {"server_hostname": HOST, "cert_reqs": ssl.CERT_REQUIRED, "cadata": read("ca.pem")}

for reading in range(3):
    client = MQTTClient("board", HOST, PORT, ssl=True, ssl_params=SSL_PARAMS)
    client.connect()
    client.publish(b"reading", str(reading), qos=1)
    client.wait_msg()
    print("published", reading, "resumed", getattr(client.sock, "session_reused", None))
    client.disconnect()
