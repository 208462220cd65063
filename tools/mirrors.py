"""Where this machine's apt gets Debian from."""

import shutil
import subprocess

OURS = "Debian", "Debian"  # origin and label of Debian's own archive, without its security updates


def mirrors():
    """The URIs (a list of str) that may have Debian, as apt has them; what it knows to be
    Debian's own archive comes first, and what it knows to be another is left out."""
    if not shutil.which("apt-get"):
        return []
    fields = "$(ORIGIN)|$(LABEL)|$(REPO_URI)"
    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", fields], capture_output=True, text=True
    )
    rows = [line.split("|", 2) for line in listed.stdout.splitlines()]
    known = [uri for *owner, uri in rows if tuple(owner) == OURS]
    unknown = [uri for origin, _, uri in rows if origin == "$(ORIGIN)"]  # never updated
    return [uri for uri in dict.fromkeys(known + unknown) if not uri.startswith("cdrom:")]
