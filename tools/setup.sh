#!/bin/sh
# Prepare the host: Debian packages for the given groups (tools/packages.txt), and a Python
# environment in build/venv. Does nothing the second time. On a terminal apt and pip show how
# far they are.
#
#   tools/setup.sh [GROUP...]        groups: core (always), board, test, interop, world, trust
set -eu
cd "$(dirname "$0")/.."

case "${1:-}" in -h | --help)
    sed -n '2,/^set/s/^# \{0,1\}//p' tools/setup.sh
    exit
    ;;
esac

# On a terminal "$@" is run as it is, else without a word.
quietly() {
    if [ -t 1 ]; then "$@"; else "$@" -qq >/dev/null; fi
}

missing=
for group in core "$@"; do
    for entry in $(sed -n "s/^$group: //p" tools/packages.txt); do
        package=${entry%%=*}
        case $entry in *=*) ! command -v "${entry#*=}" >/dev/null || continue ;; esac
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
    done
done

if [ -n "$missing" ]; then
    if [ "$(id -u)" != 0 ]; then
        echo "tlsresume: packages are missing. As root, by sudo or su:" >&2
        echo "    apt-get update && apt-get install --no-install-recommends$missing" >&2
        exit 2
    fi
    echo "installing:$missing"
    export DEBIAN_FRONTEND=noninteractive
    policy=/usr/sbin/policy-rc.d
    if [ ! -e $policy ]; then # Debian starts a server that it installs: the tests start their own
        trap 'rm -f $policy' EXIT
        printf '#!/bin/sh\nexit 101\n' >$policy
        chmod +x $policy
    fi
    quietly apt-get update
    # shellcheck disable=SC2086
    quietly apt-get install -y --no-install-recommends $missing
fi

python=$(command -v python3)
stamp="$("$python" -V) $(cksum <tools/requirements.txt)"
if [ "$(cat build/venv/stamp 2>/dev/null || true)" != "$stamp" ]; then
    echo "preparing build/venv"
    rm -rf build/venv
    mkdir -p build
    "$python" -m venv build/venv
    quietly build/venv/bin/pip --disable-pip-version-check install -r tools/requirements.txt
    echo "$stamp" >build/venv/stamp
fi
