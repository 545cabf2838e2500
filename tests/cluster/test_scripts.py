"""What the set-up scripts promise: things are made whole or not at all, one at a time; a lack is one sentence."""

import os
import signal
import subprocess
from pathlib import Path

import pytest
from support.kube import GROUND


def bash(script: str, cache: Path, **environment: str) -> subprocess.Popen[str]:
    """Start a script on the shared functions, in a process group of its own, as a terminal would."""
    return subprocess.Popen(
        ["bash", "-c", f". {GROUND}/lib/all.sh\n{script}"],
        env={**os.environ, "TRADEFLEET_CACHE": str(cache), **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


WAIT = "while :; do sleep 0.1; done"
"""Not one long sleep: bash answers a signal that comes just before it starts a child only when that child ends."""


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Exit code, stdout, stderr; a script that does not end is ended, and fails the test."""
    try:
        out, err = process.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise
    return process.returncode, out, err


def test_a_file_appears_only_complete(tmp_path: Path) -> None:
    writer = f'slow() {{ echo half >"$1"; echo started; {WAIT}; }}; produce "$cache/file" slow'
    interrupted = bash(writer, tmp_path)
    assert interrupted.stdout is not None
    assert interrupted.stdout.readline() == "started\n"
    os.killpg(interrupted.pid, signal.SIGINT)
    assert finish(interrupted)[0] != 0
    assert not (tmp_path / "file").exists()

    again = bash('quick() { echo whole >"$1"; }; produce "$cache/file" quick', tmp_path)
    assert finish(again)[0] == 0
    assert (tmp_path / "file").read_text() == "whole\n"
    assert [path.name for path in tmp_path.glob("file*")] == ["file"], "what the interrupted run left is gone"


def test_a_writer_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old\n")
    code, _, _ = finish(bash('bad() { echo half >"$1"; false; }; produce "$cache/file" bad', tmp_path))
    assert code != 0
    assert (tmp_path / "file").read_text() == "old\n"


def test_an_interrupted_set_up_says_how_to_go_on(tmp_path: Path) -> None:
    process = bash(f"lock; echo locked; {WAIT}", tmp_path)
    assert process.stdout is not None
    assert process.stdout.readline() == "locked\n"
    os.killpg(process.pid, signal.SIGINT)
    code, _, err = finish(process)
    assert code == 130
    assert "run the same command again" in err


def test_set_ups_take_turns(tmp_path: Path) -> None:
    first = bash("lock; echo locked; read -r _ <$cache/go", tmp_path)
    os.mkfifo(tmp_path / "go")
    assert first.stdout is not None
    assert first.stdout.readline() == "locked\n"
    second = bash("lock; echo mine", tmp_path)
    assert second.stderr is not None
    assert "waiting" in second.stderr.readline()
    (tmp_path / "go").write_text("\n")
    assert finish(first)[0] == 0
    assert finish(second)[:2] == (0, "mine\n")


def test_what_outlives_a_set_up_does_not_keep_its_turn(tmp_path: Path) -> None:
    code, pid, _ = finish(bash("lock; sleep 60 >/dev/null 2>&1 9>&- & lock; echo $!", tmp_path))
    try:
        assert code == 0
        assert finish(bash("lock; echo mine", tmp_path))[:2] == (0, "mine\n")
    finally:
        os.kill(int(pid), signal.SIGKILL)


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ("need no-such-program", "no-such-program is missing: run hack/setup.sh as root, or install it."),
        ("TRADEFLEET_IMAGES=elsewhere find_origin", "TRADEFLEET_IMAGES is 'elsewhere': it must be pull or build."),
        ("PATH=/nowhere need_go", "Go is missing"),
        ("go() { echo go1.19.8; }; need_go", "Go is go1.19.8: 1.26.8 or newer is needed"),
    ],
)
def test_a_lack_is_one_sentence(tmp_path: Path, script: str, sentence: str) -> None:
    code, out, err = finish(bash(script, tmp_path))
    assert (code, out) == (1, "")
    assert err.startswith(f"tradefleet: {sentence}")
    assert err.count("\n") == 1


def tree_digest(cache: Path, *paths: Path) -> str:
    code, out, err = finish(bash("tree_digest " + " ".join(map(str, paths)), cache))
    assert code == 0, err
    return out


def test_the_digest_of_a_tree_follows_names_and_content_only(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "a").write_text("1")
    (tree / "b").write_text("2")
    before = tree_digest(tmp_path, tree)
    os.utime(tree / "a", (0, 0))
    (tree / "c.pyc").write_text("compiled")
    assert tree_digest(tmp_path, tree) == before
    (tree / "a").rename(tree / "z")
    renamed = tree_digest(tmp_path, tree)
    assert renamed != before
    (tree / "z").write_text("3")
    assert tree_digest(tmp_path, tree) not in {before, renamed}


def test_an_engine_that_was_killed_counts_as_ended(tmp_path: Path) -> None:
    zombie = subprocess.Popen(["true"])
    os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)  # ended, not reaped: the number is still taken
    (tmp_path / "pid").write_text(str(zombie.pid))
    assert finish(bash('live "$cache/pid" true', tmp_path))[0] == 1
    (tmp_path / "pid").write_text(str(os.getpid()))
    assert finish(bash('live "$cache/pid" dockerd', tmp_path))[0] == 1, "the number belongs to somebody else"
    comm = Path("/proc/self/comm").read_text().strip()
    assert finish(bash(f'live "$cache/pid" {comm}', tmp_path))[:2] == (0, f"{os.getpid()}\n")
    zombie.wait()
