"""Wake up, publish by MQTT, sleep for a minute: all but the first connection resume.

1. `mpremote cp -r build/libraries/umqtt :lib/`, which `make libraries` gets from PyPI
   (micropython-umqtt.simple2), and `mpremote cp ca.pem :`, the CA of the broker below.
2. Let boot.py join a network, and set the clock (`ntptime.settime()`) unless it is set.
3. `mpremote cp lib/examples/with_deep_sleep.py :main.py`, and reset the board.
"""

import machine
import tls

import tlsresume
from tlsresume.store import File, RTCMemory, Sealed

HOST = "mqtt.example.com"
PORT = 8883
# None: sessions are in RTC memory, and die with the power. A key of 32 bytes, drawn once by
# os.urandom(32): they are in a file that nobody opens without it, and survive that, too.
KEY = None

storage = RTCMemory() if KEY is None else Sealed(File("sessions"), KEY)
cache = tlsresume.SessionCache(timeout=86400)
keeper = tlsresume.SSLContext(tls.PROTOCOL_TLS_CLIENT, sessions=cache, storage=storage)
tlsresume.install(cache)

from umqtt.simple2 import MQTTClient


def read(path):
    with open(path, "rb") as f:
        return f.read()


# As ssl.wrap_socket takes them.
SSL_PARAMS = {"server_hostname": HOST, "cert_reqs": tls.CERT_REQUIRED, "cadata": read("ca.pem")}

client = MQTTClient("board", HOST, PORT, ssl=True, ssl_params=SSL_PARAMS)
client.connect()
client.publish(b"reading", b"1", qos=1)
client.wait_msg()
print("published, resumed", getattr(client.sock, "session_reused", None))
client.disconnect()

keeper.save()
machine.deepsleep(60_000)
