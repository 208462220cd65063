"""The table of who resumes, in README.md: made from results, compared by its rows."""

from itertools import groupby
from pathlib import Path

from interop.phases import PHASES

README = Path(__file__).with_name("README.md")

_HEAD = """\
# Which servers it resumes with

Made by `make interop`. It runs each row and checks that it comes out as `rows_tls.py`,
`rows_web.py` and `rows_world.py` say; `make test` compares the rows of this page, whatever the
versions, but for those from Go on, which take more to install. The servers are Debian 12's
packages, but for Mbed TLS's own, built from its source; Node.js and Python, which are the
machine's; Bun (BoringSSL) and Deno (rustls), which are npm's. Those of libraries are echoes of our
own (`tools/servers`).

Each cell tells what became of a session: on three connections after the first (*again*), and on
one after the server has read its configuration again (*reload*), was stopped and started
(*restart*), or has let its session timeout of three seconds pass (*timeout*). Every connection
carried data both ways, but for those that say otherwise.

- **yes**: offered, and resumed. The server decides.
- **declined**: offered, and the server did a full handshake instead.
- **none given**: there was nothing to offer: the server had given no session, or no second one.
- **expired**: not offered. The client decides: the server's lifetime hint had passed.
- **refused**: no connection.
- –: the server knows no such thing.

All sides must agree on every connection: ours (`session_reused`), the bytes that came in (with or
without a certificate), and the server's own word, where it has one. Unless a row says otherwise
keys are ECDSA (P-256), and the client is the unix port with TLS 1.3. nginx and Apache have two
workers each, which share cache and keys. *Two servers in turn* take the connections of one port
alternately, as behind a load balancer. What *asks for another group* takes P-384 only, of which
our ClientHello has no share.
"""

_COLUMNS = ("configuration", "again", "reload", "restart", "timeout")


def render(results):
    """The page; `results` has a Result a Row, or the text why it was not run."""
    notes = []
    parts = [_HEAD]
    for server, rows in groupby(results, lambda row: row.server):
        rows = list(rows)
        parts.append(_section(server, [(row, results[row]) for row in rows], notes))
    parts.append("## Why not\n\n" + "".join(f"{i}. {n}\n" for i, n in enumerate(notes, 1)))
    return "\n".join(parts)


def rows_of(page):
    """What two pages are compared by: the lines without those of the versions."""
    return [line for line in page.splitlines() if not line.startswith("Version ")]


def _section(server, told, notes):
    ran = [result for _, result in told if not isinstance(result, str)]
    word = ran[0].word if ran else None
    lines = [f"## {server}", ""]
    if ran:
        lines += [f"Version {ran[0].version}.", ""]
        lines += [f"Its own word: {word or 'none, the bytes tell'}.", ""]
    lines += ["| " + " | ".join(_COLUMNS) + " |", "|---" * len(_COLUMNS) + "|"]
    return "\n".join([*lines, *(_line(row, result, notes) for row, result in told), ""])


def _line(row, result, notes):
    if isinstance(result, str):
        return f"| {row.label()} | not run: {result} | | | |"
    cells = [
        _cell(result.outcome(phase), expected, notes)
        for phase, expected in zip(PHASES, row.expected, strict=True)
    ]
    return "| " + " | ".join([row.label(), *cells]) + " |"


def _cell(outcome, expected, notes):
    if outcome is None:
        return "–"
    if expected is None or outcome != expected.outcome or expected.why is None:
        return outcome
    if expected.why not in notes:
        notes.append(expected.why)
    return f"{outcome} [{notes.index(expected.why) + 1}]"
