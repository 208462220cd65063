"""What the documents tell people to type."""

import re
import shlex
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCUMENTS = [p for p in ROOT.glob("**/*.md") if "build" not in p.relative_to(ROOT).parts]

_PROGRAMS = (
    r"make|python3?|mpremote|openssl s_client|idf\.py|git|sudo"
    r"|build/venv/\S+|build/\S+/micropython|tools/\S+"
)
_COMMAND = rf"(?:[A-Z_]+=\S+ )*(?:{_PROGRAMS}) [^`#\n]*"


def text(path):
    """A document without what stands between fences."""
    return re.sub(r"^```.*?^```", "", path.read_text(), flags=re.M | re.S)


def indented(path):
    """The lines of a document that are set apart by four spaces, without their comments."""
    return [x.split("  #")[0].strip() for x in re.findall(r"^ {4}(.+)$", text(path), re.M)]


def commands():
    """Every command line in a document: set apart, or in backticks."""
    found = {x for path in DOCUMENTS for x in indented(path) if re.fullmatch(_COMMAND, x)}
    for path in DOCUMENTS:
        found.update(x.strip() for x in re.findall(f"`({_COMMAND})`", text(path)))
    return sorted(found)


def command(path, start):
    """The words of the one command in a document that begins with `start`."""
    (line,) = (x for x in indented(ROOT / path) if x.startswith(start))
    return shlex.split(line)
