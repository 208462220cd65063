#!/bin/sh
# Prepare the host for the given groups: Debian packages (tools/packages.txt), and a Python
# environment in build/venv (tools/requirements.txt). Does nothing the second time. On a terminal
# apt and pip show how far they are.
#
#   tools/setup.sh [GROUP...]        groups: core (always), and those in the two files
set -eu
cd "$(dirname "$0")/.."

case "${1:-}" in -h | --help)
    sed -n '2,/^set/s/^# \{0,1\}//p' tools/setup.sh
    exit
    ;;
esac

case $PWD in *" "*)
    echo "tlsresume: make cannot build in a path with a space, $PWD: move the repository" >&2
    exit 2
    ;;
esac

# One at a time: the lock is this process's, and of what it starts.
mkdir -p build
exec 9>build/setup.lock
flock -n 9 || {
    echo "waiting for another set-up to end: $PWD/build/setup.lock"
    flock 9
}

# On a terminal "$@" is run as it is, else without a word.
quietly() {
    if [ -t 1 ]; then "$@"; else "$@" -qq >/dev/null; fi
}

# Debian's release; testing has no number yet.
release=$(. /etc/os-release && echo "${VERSION_ID:-99}")
installed=" $(dpkg-query -W -f '${db:Status-Abbrev}${Package}\n' | sed -n 's/^.i //p' | tr '\n' ' ')"
missing=
for group in core "$@"; do
    for entry in $(sed -n "s/^$group: //p" tools/packages.txt); do
        case $entry in *@*) [ "${entry#*@}" -le "${release%.*}" ] || continue ;; esac
        entry=${entry%@*}
        package=${entry%%=*}
        case $entry in *=*) ! command -v "${entry#*=}" >/dev/null || continue ;; esac
        case $installed in *" $package "*) ;; *) missing="$missing $package" ;; esac
    done
done

if [ -n "$missing" ]; then
    if [ "$(id -u)" != 0 ]; then
        install="apt-get update && apt-get install --no-install-recommends$missing"
        echo "tlsresume: packages are missing. Run this, and the same command again:" >&2
        if command -v sudo >/dev/null; then
            echo "    sudo sh -c '$install'" >&2
        else
            echo "    su - -c '$install'" >&2
        fi
        exit 2
    fi
    echo "installing:$missing"
    export DEBIAN_FRONTEND=noninteractive
    # Debian starts a server that it installs, and the tests start their own. So systemd is told
    # that it is not there, and System V's init that one user is alone.
    export SYSTEMD_OFFLINE=1 RUNLEVEL=1 PREVLEVEL=N
    quietly apt-get update
    # shellcheck disable=SC2086
    quietly apt-get install -y --no-install-recommends $missing
fi

python=$(command -v python3)
stamp="$("$python" -V) $(cksum <tools/requirements.txt)"
if [ "$(cat build/venv/stamp 2>/dev/null || true)" != "$stamp" ]; then
    echo "preparing build/venv"
    rm -rf build/venv
    "$python" -m venv build/venv
    echo "$stamp" >build/venv/stamp
fi
for group in core "$@"; do
    wanted=$(sed -n "s/^$group: //p" tools/requirements.txt)
    if [ -n "$wanted" ] && [ ! -e "build/venv/has-$group" ]; then
        # shellcheck disable=SC2086
        quietly build/venv/bin/pip --disable-pip-version-check install $wanted
        touch "build/venv/has-$group"
    fi
done
