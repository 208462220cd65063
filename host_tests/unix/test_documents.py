"""What the documents tell people to do, done."""

import re

import pytest
from documents import DOCUMENTS, ROOT
from prelude import RTC

SNIPPETS = [
    (path.relative_to(ROOT), snippet)
    for path in DOCUMENTS
    for snippet in re.findall(r"^```python\n(.*?)^```", path.read_text(), re.M | re.S)
]


@pytest.mark.parametrize("path, snippet", SNIPPETS, ids=lambda x: str(x)[:20].strip())
def test_the_snippets_run(run, server, certs, tmp_path, path, snippet):
    s = server()
    snippet = snippet.replace('"example.com", 443', f'"localhost", {s.port}')
    snippet = snippet.replace("example.com", "localhost").replace("ca.pem", certs.ca.pem)
    for end in ("pem", "key"):
        name = {"pem": "cert.pem", "key": "key.pem"}[end]
        snippet = snippet.replace(f'"{name}"', f'"{certs.server}.{end}"')
    snippet = snippet.replace('File("sessions")', f'File("{tmp_path}/sessions")')
    machine = RTC if "RTCMemory" in snippet else ""
    assert run(machine + snippet + "\nresult(ok=True)")["ok"]


def test_every_link_leads_somewhere():
    for path in DOCUMENTS:
        for link in re.findall(r"\]\((?!http)([^)#]+)\)", path.read_text()):
            assert (path.parent / link).exists(), (path, link)
