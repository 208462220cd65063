"""Two requests to one server: the second resumes.

Resumed or not: requests does not check who answers.
"""

import tlsresume

tlsresume.install()

import requests

URL = "https://example.com/"

for _ in range(2):
    response = requests.get(URL)
    print(response.status_code, len(response.text))
    response.close()

tlsresume.report()
