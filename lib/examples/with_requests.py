# Two requests to one server: the second resumes. URL stands before it.
import tlsresume

tlsresume.install()

import requests  # noqa: E402

for _ in range(2):
    response = requests.get(URL)
    print(response.status_code, len(response.text))
    response.close()

tlsresume.report()
