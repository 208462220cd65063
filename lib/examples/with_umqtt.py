# A board that wakes, publishes and sleeps. HOST, PORT, and SSL_PARAMS as ssl.wrap_socket takes
# them stand before it.
import tlsresume

tlsresume.install()

from umqtt.simple2 import MQTTClient  # noqa: E402

for reading in range(3):
    client = MQTTClient("board", HOST, PORT, ssl=True, ssl_params=SSL_PARAMS)
    client.connect()
    client.publish(b"reading", str(reading), qos=1)
    client.wait_msg()
    print("published", reading, "resumed", client.sock.session_reused)
    client.disconnect()
