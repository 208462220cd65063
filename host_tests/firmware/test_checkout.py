"""A git checkout for ESP32, cloned by git from a repository that stands in for upstream's."""

import subprocess

import pytest
import sources

SUBMODULES = sorted({*sources.SUBMODULES, *sources.ESP32_SUBMODULES})


def git(folder, *arguments):
    subprocess.run(["git", "-C", folder, *arguments], check=True, capture_output=True)


def repository(folder, file, text="upstream's\n"):
    (folder / file).parent.mkdir(parents=True)
    (folder / file).write_text(text)
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "All.")


@pytest.fixture
def upstream(tmp_path, monkeypatch):
    """Where sources.py clones from: a repository with its submodules, here."""
    main = tmp_path / "upstream"
    tag, mbedtls_tag = sources.pinned_tags()
    config = {
        f"url.file://{main}.insteadOf": sources.pins()["micropython"]["git"],
        "protocol.file.allow": "always",
        "user.name": "somebody",
        "user.email": "somebody@example.com",
    }
    monkeypatch.setenv("GIT_CONFIG_COUNT", str(len(config)))
    for i, (name, value) in enumerate(config.items()):
        monkeypatch.setenv(f"GIT_CONFIG_KEY_{i}", name)
        monkeypatch.setenv(f"GIT_CONFIG_VALUE_{i}", value)
    header = "py/mpconfig.h"
    repository(main, header, (sources.micropython() / header).read_text())
    for name in SUBMODULES:
        repository(tmp_path / name, "library/code.c")
        git(main, "submodule", "-q", "add", f"file://{tmp_path / name}", name)
    git(main, "commit", "-qm", "Submodules.")
    git(tmp_path / "lib/mbedtls", "commit", "-q", "--allow-empty", "-m", "Later.")
    git(tmp_path / "lib/mbedtls", "tag", mbedtls_tag)
    git(main, "tag", tag)
    monkeypatch.setattr(sources, "CHECKOUT", tmp_path / "build" / "checkout")
    monkeypatch.delenv("MICROPYTHON", raising=False)
    return main


def test_it_has_the_submodules_that_esp32_needs(upstream):
    tree = sources.checkout()
    assert tree == sources.CHECKOUT
    assert all((tree / name / "library" / "code.c").exists() for name in SUBMODULES)


def test_its_mbedtls_is_the_pinned_one(upstream):
    tree = sources.checkout()
    said = ["git", "-C", tree / "lib" / "mbedtls", "describe", "--tags"]
    said = subprocess.run(said, check=True, capture_output=True, text=True).stdout
    assert said.strip() == sources.pinned_tags()[1]


def test_it_is_cloned_once(upstream):
    (sources.checkout() / "mark").touch()
    assert (sources.checkout() / "mark").exists()


def test_a_checkout_of_ones_own_without_submodules_is_told_what_to_do(upstream, monkeypatch):
    monkeypatch.setenv("MICROPYTHON", str(upstream))
    git(upstream, "submodule", "-q", "deinit", "-f", "lib/tinyusb")
    with pytest.raises(sources.SourceError, match="submodule update --init lib/tinyusb$"):
        sources.checkout()


def test_a_clone_that_fails_is_told(upstream, monkeypatch):
    monkeypatch.setenv("GIT_CONFIG_VALUE_1", "never")
    with pytest.raises(sources.SourceError, match="git clone .* failed"):
        sources.checkout()
