"""Upstream's own TLS tests, of the release that is built, behave after install() as before it."""

import pytest
import sources
from upstream import Upstream

pytestmark = pytest.mark.unchecked

# It calls a stream's ioctl from Python, which upstream's coverage variant alone allows.
COVERAGE = "extmod/ssl_poll.py"


# Debian's sources have no ssl module, and skip what wants it: then ours is tried alone, but where
# TLS 1.3, which upstream does not build, has other errors.
@pytest.mark.parametrize(
    ("build", "tried"), (("micropython_tls12", ("pass", "skip")), ("micropython", ("pass",)))
)
def test_what_passes_without_install_passes_with_it(request, tmp_path, build, tried):
    upstream = Upstream(sources.micropython(), request.getfixturevalue(build), tmp_path)
    names = [name for name in upstream.names() if name != COVERAGE]
    before = {name: upstream.verdict(name, installed=False) for name in names}
    after = {name: upstream.verdict(name, installed=True) for name in names}
    assert "pass" in before.values() and "pass" in after.values()
    worse = {name: after[name] for name in names if before[name] in tried}
    assert {name: said for name, said in worse.items() if said.startswith("fail")} == {}
