"""Three requests to one server: all but the first resume.

1. `mpremote mip install requests`, and `mpremote cp ca.pem :`, the CA of the server below.
2. Let the board join a network and know the time (`ntptime.settime()`), as in its boot.py.
3. `mpremote run lib/examples/with_requests.py`
"""

import tlsresume

tlsresume.install()

import requests
import tls

URL = "https://example.com/"
CA = "ca.pem"


class Checking(tls.SSLContext):
    """What requests does not do: it tells its contexts to check nobody."""

    def __init__(self, protocol):
        super().__init__(protocol)
        self.load_verify_locations(CA)

    def __setattr__(self, name, value):
        if name != "verify_mode":
            super().__setattr__(name, value)


tls.SSLContext = Checking

for _ in range(3):
    response = requests.get(URL)
    resumed = getattr(response.raw, "session_reused", None)
    print(response.status_code, len(response.text), "resumed", resumed)
    response.close()

tlsresume.report()
