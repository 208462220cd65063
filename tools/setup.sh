#!/bin/sh
# Prepare the host: Debian packages for the given groups (tools/packages.txt), and a Python
# environment in build/venv. Does nothing the second time.
#
#   tools/setup.sh [GROUP...]        groups: core (always), board, test
set -eu
cd "$(dirname "$0")/.."

missing=
for group in core "$@"; do
    for package in $(sed -n "s/^$group: //p" tools/packages.txt); do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
    done
done

if [ -n "$missing" ]; then
    if [ "$(id -u)" != 0 ]; then
        echo "tlsresume: packages are missing. Install them with:" >&2
        echo "    sudo apt-get install$missing" >&2
        exit 2
    fi
    echo "installing:$missing"
    export DEBIAN_FRONTEND=noninteractive
    apt-get -qq update
    # shellcheck disable=SC2086
    apt-get -qq install --no-install-recommends -o Dpkg::Use-Pty=0 $missing >/dev/null
fi

python=$(command -v python3)
stamp="$("$python" -V) $(cksum <tools/requirements.txt)"
if [ "$(cat build/venv/stamp 2>/dev/null || true)" != "$stamp" ]; then
    echo "preparing build/venv"
    rm -rf build/venv
    mkdir -p build
    "$python" -m venv build/venv
    build/venv/bin/pip --disable-pip-version-check -qq install -r tools/requirements.txt
    echo "$stamp" >build/venv/stamp
fi
