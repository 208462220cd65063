"""Sessions that survive the process, and secrets that do not survive the cache."""

import errno
import os
import re
import resource
import signal
import subprocess
from pathlib import Path

import pytest
from key_log import master_secret
from prelude import PRELUDE, RTC

KEY = bytes(range(32))

STORED = """
from tlsresume.store import File, Sealed
def stored(key=KEY, **kwargs):
    return client(storage=Sealed(File(PATH), key), **kwargs)
"""
RECONNECT = """
ctx = stored()
r = once(ctx, PORT)
result(r=r, written=ctx.save(), stats=ctx.session_stats())
"""


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "sessions")


@pytest.mark.parametrize("mode", ({"version": "1.2"}, {"version": "1.3"}))
def test_the_first_connection_after_a_restart_is_resumed(run, server, path, mode):
    s = server(**mode)
    got = [run(STORED + RECONNECT, PORT=s.port, PATH=path, KEY=KEY) for _ in range(3)]
    assert [one["r"] for one in got] == [False, True, True] == s.reused(3)
    assert all(one["written"] for one in got)
    assert [one["stats"]["loaded"] for one in got] == [0, 1, 1]


def test_it_is_saved_after_a_change_but_not_more_often_than_the_interval(run, server, path):
    s = server(version="1.2")
    got = run(
        """
from tlsresume.store import File
class Clock:
    seconds = 1000
    def now(self):
        return self.seconds
clock = Clock()
ctx = client(sessions=tlsresume.SessionCache(clock=clock), storage=File(PATH, True, interval=60))
saved = []
for number, step in enumerate((0, 59, 1, 0, 60)):
    clock.seconds += step
    ctx.sessions.put("another", number, b"session", 300)
    once(ctx, PORT)
    saved.append(ctx.session_stats()["saved"])
result(saved=saved)
""",
        PORT=s.port,
        PATH=path,
    )
    assert got["saved"] == [1, 1, 2, 2, 3]


def test_nothing_readable_reaches_the_disk(run, server, path, tmp_path):
    keylog = tmp_path / "keylog"
    s = server(version="1.2", keylog=str(keylog))
    run(STORED + RECONNECT, PORT=s.port, PATH=path, KEY=KEY)
    sealed = Path(path).read_bytes()
    assert b"localhost" not in sealed and master_secret(keylog) not in sealed
    assert (len(sealed) - 28) % 256 == 0


def test_a_plain_store_is_refused_in_the_words_of_the_rfc(run, path):
    got = run(
        """
from tlsresume.store import File
try:
    client(storage=File(PATH))
except ValueError as e:
    result(error=str(e))
""",
        PATH=path,
    )
    assert "should not write session IDs to stable storage" in got["error"]


def test_a_plain_store_can_be_had(run, server, path):
    s = server(version="1.2")
    script = "from tlsresume.store import File\ndef stored():\n"
    script += "    return client(storage=File(PATH, plaintext=True))\n" + RECONNECT
    got = [run(script, PORT=s.port, PATH=path)["r"] for _ in range(2)]
    assert got == [False, True]


OPENS = """
ctx = stored(KEY2)
stats = ctx.session_stats()
result(n=len(ctx.sessions), failed=stats["load_failed"], loaded=stats["loaded"])
"""
EMPTY = {"n": 0, "failed": 1, "loaded": 0}


def test_another_key_opens_nothing_and_raises_nothing(run, server, path):
    s = server(version="1.2")
    run(STORED + RECONNECT, PORT=s.port, PATH=path, KEY=KEY)
    assert run(STORED + OPENS, PATH=path, KEY=KEY, KEY2=bytes(32)) == EMPTY


def test_every_flipped_bit_and_every_truncation_of_a_sealed_store_is_refused(run, server, path):
    s = server(version="1.2", tickets=False)
    got = run(
        STORED
        + """
ctx = stored()
for name in ("localhost", "a.example", "b.example"):
    once(ctx, PORT, name)
assert ctx.save()
class Given:
    def load(self):
        return self.data
storage = Given()
with open(PATH, "rb") as f:
    whole = f.read()
def loads(data):
    storage.data = data
    ctx = client(storage=Sealed(storage, KEY))
    stats = ctx.session_stats()
    return len(ctx.sessions) or stats["loaded"] or not stats["load_failed"]
wrong = []
for bit in range(8 * len(whole)):
    data = bytearray(whole)
    data[bit // 8] ^= 1 << bit % 8
    if loads(data):
        wrong.append(bit)
for length in range(len(whole)):
    if loads(whole[:length]):
        wrong.append(-length)
result(wrong=wrong, whole=len(client(storage=Sealed(File(PATH), KEY)).sessions))
""",
        PORT=s.port,
        PATH=path,
        KEY=KEY,
    )
    assert got == {"wrong": [], "whole": 3}


def test_the_size_of_a_sealed_store_tells_no_more_than_the_padding_that_was_chosen(run, path):
    got = run(
        """
import errno
import os
from tlsresume.store import File, Sealed
def size(number, pad):
    ctx = client(storage=Sealed(File(PATH), bytes(32), pad=pad))
    ctx.sessions.clear()
    for i in range(number):
        ctx.sessions.put("host%d" % i, 443, bytes(100), 300, ctx.fingerprint())
    assert ctx.save()
    return os.stat(PATH)[6]
result(large=[size(n, 2048) for n in (0, 1, 5, 10)], small=size(1, 16) < size(2, 16))
""",
        PATH=path,
    )
    assert got == {"large": [2048 + 28] * 4, "small": True}


def test_another_vhost_opens_nothing(run, server, path):
    s = server(version="1.2")
    run(STORED + RECONNECT, PORT=s.port, PATH=path, KEY=KEY)
    script = OPENS.replace("stored(KEY2)", "stored(sessions=tlsresume.SessionCache('other'))")
    assert run(STORED + script, PATH=path, KEY=KEY) == EMPTY


def test_a_firmware_with_another_mbedtls_configuration_loads_nothing(
    run, server, path, micropython_tls12
):
    s = server(version="1.2")
    for firmware in (None, micropython_tls12):
        given = {"firmware": firmware} if firmware else {}
        got = run(STORED + RECONNECT, PORT=s.port, PATH=path, KEY=KEY, **given)
    assert got["r"] is False and got["stats"]["load_failed"] == 1


def test_a_changed_ca_makes_stored_sessions_unusable(run, server, path, certs):
    s = server(version="1.2")
    run(STORED + RECONNECT, PORT=s.port, PATH=path, KEY=KEY)
    got = run(
        STORED
        + "ctx = stored()\nctx.load_verify_locations(OTHER)\n"
        + "result(r=once(ctx, PORT), miss=ctx.session_stats()['misses'])",
        PORT=s.port,
        PATH=path,
        KEY=KEY,
        OTHER=certs.other_ca.der,
    )
    assert got == {"r": False, "miss": 1}


SAVE = """
import sys
from tlsresume.store import File
File(sys.argv[1]).save(bytes(sys.argv[2], "ascii") * 64)
"""


@pytest.mark.unchecked(reason="cuts what a checker writes, too")
def test_a_power_cut_at_any_byte_leaves_the_old_or_the_new(micropython, tmp_path):
    """The kernel cuts the write, and the process with it, where its limit is."""
    target = tmp_path / "sessions"
    for cut in range(65):
        target.write_bytes(b"o" * 64)
        done = subprocess.run(
            [str(micropython), "-c", SAVE, str(target), "n"],
            preexec_fn=lambda cut=cut: resource.setrlimit(resource.RLIMIT_FSIZE, (cut, cut)),
        )
        whole = cut == 64
        assert done.returncode == (0 if whole else -signal.SIGXFSZ), cut
        assert target.read_bytes() == (b"n" if whole else b"o") * 64, cut


def test_one_host_can_be_saved_and_loaded_by_hand(run, server):
    s = server(version="1.2")
    got = run(
        """
from tlsresume import snapshot
ctx = client()
once(ctx, PORT)
once(ctx, PORT, "a.example")
data = snapshot.dump(ctx.sessions, host="a.example", port=PORT)
other = client()
number = snapshot.load(other.sessions, data, snapshot.slept(data))
result(number=number, r=[once(other, PORT, "a.example"), once(other, PORT)])
""",
        PORT=s.port,
    )
    assert got == {"number": 1, "r": [True, False]}


WATCHED = """
def stop(name):
    print(name)
    sys.stdin.readline()
ctx = client(sessions=tlsresume.SessionCache(max=1, timeout=TIMEOUT))
for _ in range(3):
    once(ctx, PORT)
    tlsresume.poll()
stop("kept")
"""
ENDS = {
    "clear": (300, "ctx.sessions.clear()"),
    "remove": (300, "ctx.sessions.remove('localhost', PORT)"),
    "eviction": (300, "ctx.sessions.put('other', 1, b'other', 300)"),
    "expiry": (1, "time.sleep(1.1)\nctx.sessions.get('localhost', PORT, ctx.fingerprint())"),
}


# Of the resumption key, one byte at a time: nothing here makes a copy of it.
SINGLE_USE = """
def stop(*what):
    print(*what)
    sys.stdin.readline()
ctx = client()
once(ctx, PORT)
once(ctx, PORT)
len(ctx.sessions)
for _, _, _, session, _, _, _, _ in ctx.sessions.sessions():
    secret = [session[i] for i in range(24, 56)]
stop(*secret)
"""


@pytest.fixture
def watch(micropython, certs):
    """Start a script that stops twice, at stop(...): `watch(script, secret, **variables)` sees
    that what `secret(line)` makes of the first line printed is in its memory once, then not."""

    def watch(script, secret, **variables):
        variables = {"HOST": "127.0.0.1", "CA": certs.ca.der, **variables}
        script = "".join(f"{k} = {v!r}\n" for k, v in variables.items()) + PRELUDE + script
        process = subprocess.Popen(
            [str(micropython), "-c", script + "\nstop('gone')\n"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with process:
            found = secret(process.stdout.readline())
            assert occurrences(process.pid, found) == 1
            process.stdin.write("\n")
            process.stdin.flush()
            assert process.stdout.readline() == "gone\n"
            assert occurrences(process.pid, found) == 0
            process.stdin.close()

    return watch


@pytest.mark.unchecked
@pytest.mark.parametrize("end", ENDS)
def test_when_a_session_goes_its_master_secret_goes(watch, server, tmp_path, end):
    keylog = tmp_path / "keylog"
    s = server(version="1.2", keylog=str(keylog))
    timeout, how = ENDS[end]
    watch(WATCHED + how, lambda _: master_secret(keylog), PORT=s.port, TIMEOUT=timeout)


@pytest.mark.unchecked
def test_when_single_use_sessions_go_no_copy_of_them_stays(watch, server):
    s = server(version="1.3", tickets=3)
    watch(
        SINGLE_USE + "ctx.sessions.clear()",
        lambda line: bytes(map(int, line.split())),
        PORT=s.port,
    )


def occurrences(pid, secret):
    """How often `secret` is in the writable memory of the process."""
    found = 0
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb") as memory:
        for line in maps:
            where, access = line.split()[:2]
            if "w" in access:
                start, end = (int(x, 16) for x in where.split("-"))
                found += os.pread(memory.fileno(), end - start, start).count(secret)
    return found


@pytest.mark.parametrize("mode, what", (({"tickets": False}, "ID"), ({}, "ticket of OpenSSL")))
def test_rtc_memory_holds_the_most_recent_that_fit_and_so_does_the_cache(run, server, mode, what):
    s = server(version="1.2", **mode)
    got = run(
        RTC
        + """
from tlsresume.store import RTCMemory
ctx = client(storage=RTCMemory(), sessions=tlsresume.SessionCache(max=30))
session = connect(ctx, PORT)
echo(session)
packed = session.session._packed
for i in range(30):
    ctx.sessions.put("host%02d.example.com" % i, 443, packed, 300, ctx.fingerprint())
assert ctx.save()
def loaded(max):
    ctx = client(storage=RTCMemory(), sessions=tlsresume.SessionCache(max=max))
    return list(ctx.sessions), len(ctx.sessions) and ctx.session_stats()["load_failed"]
result(wide=loaded(30), narrow=loaded(3), size=len(packed), length=len(RTC.data))
""",
        PORT=s.port,
    )
    (wide, failed), (narrow, narrow_failed) = got["wide"], got["narrow"]
    newest = [f"default.host{i:02}.example.com.443" for i in range(29, -1, -1)]
    assert wide == newest[: len(wide)] and narrow == newest[:3] and failed == narrow_failed == 0
    assert got["length"] <= 2048 and f"{len(wide)} " in told(what)


def told(what):
    """What lib/README.md says of so many sessions of a kind."""
    text = (Path(__file__).parents[2] / "lib/README.md").read_text()
    return re.search(rf"(\d+ sessions with|\d+ with)\s+an? {what}", text)[0]


# The unix port has no NVS: this is what esp32.NVS does with blobs.
NVS = """
class NVS:
    blobs = {}
    def __init__(self, namespace):
        self.name = namespace
    def set_blob(self, key, data):
        self.aside = key, bytes(data)
    def commit(self):
        key, data = self.aside
        self.blobs[self.name, key] = data
    def get_blob(self, key, buf):
        if (self.name, key) not in self.blobs:
            raise OSError(-4354)
        data = self.blobs[self.name, key]
        buf[:len(data)] = data
        return len(data)
class esp32:
    NVS = NVS
sys.modules["esp32"] = esp32
from tlsresume import store
"""


def test_nvs_keeps_what_is_sealed_and_refuses_what_is_plain(run, server):
    s = server(version="1.2")
    got = run(
        NVS
        + """
def stored():
    return client(storage=store.Sealed(store.NVS(), bytes(32)))
ctx = stored()
r = [once(ctx, PORT)]
written = ctx.save()
r.append(once(stored(), PORT))
try:
    client(storage=store.NVS())
    refused = False
except ValueError:
    refused = True
(blob,) = NVS.blobs.values()
result(r=r, written=written, refused=refused, length=len(blob), plain=b"localhost" in blob)
""",
        PORT=s.port,
    )
    assert got["r"] == [False, True] and got["written"] and got["refused"]
    assert got["length"] <= 1984 and not got["plain"]


MEMORY = """
from tlsresume import snapshot
class Memory:
    interval = 0
    data = None
    saves = 0
    def load(self):
        return Memory.data and bytearray(Memory.data)
    def save(self, data):
        Memory.data = bytes(data)
        Memory.saves += 1
"""


def test_what_waits_for_the_clock_gives_way_to_what_is_newer(run, server):
    s = server(version="1.2", tickets=False)
    got = run(
        MEMORY
        + """
def kept(ctx):
    return ctx.sessions.get("localhost", PORT, ctx.fingerprint())
ctx = client(storage=Memory())
once(ctx, PORT)
ctx.save()
old = kept(ctx)
right, snapshot.now = snapshot.now, lambda: 1000  # after a reboot, before NTP
ctx = client(storage=Memory())
once(ctx, PORT)
once(ctx, PORT, server_port=1)
new = kept(ctx)
Memory.saves = 0
snapshot.now = right
once(ctx, PORT)
result(new=new != old and kept(ctx) == new, saved=Memory.saves, tags=sorted(ctx.sessions),
       rebooted=sorted(client(storage=Memory()).sessions))
""",
        PORT=s.port,
    )
    assert got["new"] and got["saved"] == 1
    assert got["tags"] == got["rebooted"] and len(got["tags"]) == 2


def test_what_cannot_be_stored_outlives_what_waits_for_the_clock(run, server):
    s = server(version="1.2")
    got = run(
        MEMORY
        + """
ctx = client(storage=Memory())
once(ctx, PORT, server_port=1)
ctx.save()
right, snapshot.now = snapshot.now, lambda: 1000
ctx = client(storage=Memory())
ctx.verify_callback = lambda certificate, depth: 0
once(ctx, PORT)
len(ctx.sessions)
snapshot.now = right
result(resumed=once(ctx, PORT), n=len(ctx.sessions))
""",
        PORT=s.port,
    )
    assert got == {"resumed": True, "n": 2}


def test_a_ticket_that_was_used_is_in_the_storage_no_more(run, server):
    s = server(version="1.3", tickets=1)
    got = run(
        MEMORY
        + """
ctx = client(storage=Memory())
once(ctx, PORT)
ctx.save()
connect(ctx, PORT, do_handshake_on_connect=False)
result(again=len(client(storage=Memory()).sessions))
""",
        PORT=s.port,
    )
    assert got["again"] == 0


DISK = """
import os, vfs
from tlsresume.store import File
class Disk:
    "Stops to write after `left` blocks."
    left = -1
    def __init__(self, data):
        self.data = bytearray(data)
    def readblocks(self, n, buf, offset=0):
        at = n * 512 + offset
        buf[:] = memoryview(self.data)[at:at + len(buf)]
    def writeblocks(self, n, buf, offset=0):
        if self.left == 0:
            raise OSError(5)
        self.left -= 1
        at = n * 512 + offset
        self.data[at:at + len(buf)] = buf
    def ioctl(self, request, argument):
        return {4: len(self.data) // 512, 5: 512}.get(request, 0)
def mount(disk):
    try:
        vfs.umount("/disk")
    except OSError:
        pass
    vfs.mount(VFS(disk), "/disk")
VFS = getattr(vfs, NAME)
disk = Disk(100 * 512)
VFS.mkfs(disk)
mount(disk)
file = File("/disk/sessions", plaintext=True)
"""


@pytest.mark.parametrize("name", ("VfsFat", "VfsLfs2"))
def test_two_power_cuts_in_a_row_leave_one_that_was_whole(run, name):
    got = run(
        DISK
        + """
def cuts(data, text):
    "The disk after a cut at each of the blocks that are written."
    n = 0
    while True:
        disk = Disk(data)
        mount(disk)
        disk.left = n
        try:
            file.save(text * 1000)
        except OSError:
            pass
        if disk.left != 0:
            return
        yield bytes(disk.data)
        n += 1
def found(data):
    mount(Disk(data))
    text = bytes(file.load() or b"")
    return text[:1].decode() if len(text) == 1000 and text == text[:1] * 1000 else None
file.save(b"1" * 1000)
once = list(cuts(bytes(disk.data), b"2"))
twice = [found(again) for cut in once for again in cuts(cut, b"3")]
result(once=sorted(set(map(str, map(found, once)))), twice=sorted(set(map(str, twice))))
""",
        NAME=name,
        heap="16M",
    )
    assert set(got["once"]) <= {"1", "2"}
    assert set(got["twice"]) <= {"1", "2", "3"}


def test_a_full_flash_is_left_as_full_as_it_was(run):
    got = run(
        DISK
        + """
def free():
    stat = os.statvfs("/disk")
    return stat[0] * stat[3]
before = free()
try:
    file.save(bytes(before + 1))
    error = None
except OSError as e:
    error = e.errno
result(error=error, taken=before - free())
""",
        NAME="VfsFat",
    )
    assert got == {"error": errno.ENOSPC, "taken": 0}


def test_a_folder_that_is_not_there_is_told(run, tmp_path):
    got = run(
        """
from tlsresume.store import File
try:
    File(PATH, plaintext=True).save(b"x")
except OSError as e:
    result(errno=e.errno)
""",
        PATH=str(tmp_path / "none" / "sessions"),
    )
    assert got["errno"] == errno.ENOENT


def test_a_number_is_no_key(run):
    got = run(
        """
from tlsresume.store import File, Sealed
try:
    Sealed(File("sessions"), 32)
except TypeError as e:
    result(raised=True)
"""
    )
    assert got["raised"]
