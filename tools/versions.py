"""What a MicroPython tree is: its release, its Mbed TLS, and what is known against that."""

import re

# Of Mbed TLS 3.6's ChangeLog: what bears on a TLS client of MicroPython's, by the release that
# mends it.
MENDED = {
    (3, 6, 3): "CVE-2025-27810 (Finished)",
    (3, 6, 6): "CVE-2026-25834 (signature algorithms of TLS 1.2)",
    (3, 6, 7): "CVE-2026-50581 (extended master secret), CVE-2026-49300 (CA certificates)",
}


def micropython(tree):
    """The release of `tree` (a Path), such as "1.26.1" or "1.29.0-preview"."""
    text = (tree / "py" / "mpconfig.h").read_text()
    version = _numbers(text, "MICROPY_VERSION_{}", ("MAJOR", "MINOR", "MICRO"))
    preview = re.search(r"define MICROPY_VERSION_PRERELEASE +1", text)
    return dotted(version) + ("-preview" if preview else "")


def mbedtls(tree):
    """The version of the Mbed TLS in `tree` (a Path): three numbers."""
    text = (tree / "lib" / "mbedtls" / "include" / "mbedtls" / "build_info.h").read_text()
    return _numbers(text, "MBEDTLS_VERSION_{}", ("MAJOR", "MINOR", "PATCH"))


def dotted(version):
    """A version as it is written (str)."""
    return ".".join(map(str, version))


def describe(tree):
    """Both, for a person (str)."""
    return f"MicroPython {micropython(tree)}, Mbed TLS {dotted(mbedtls(tree))}"


def warning(tree):
    """What to say where the Mbed TLS in `tree` is known to be at fault; "" where it is not."""
    version = mbedtls(tree)
    known = [f"{what}, mended in {dotted(fix)}" for fix, what in MENDED.items() if version < fix]
    if not known:
        return ""
    return "\n  ".join([f"warning: Mbed TLS {dotted(version)} has known vulnerabilities:", *known])


def _numbers(text, name, parts):
    return tuple(int(re.search(rf"define {name.format(part)} +(\d+)", text)[1]) for part in parts)
