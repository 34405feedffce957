"""Un file è intero o non c’è."""

import os
import signal
import time

import pytest

from attenzione.files import locked, replacing, write_text


def test_the_file_takes_its_name_only_at_the_end(tmp_path):
    path = tmp_path / "nuova/cartella/file.txt"
    with replacing(path) as partial:
        partial.write_text("intero")
        assert not path.exists()
    assert path.read_text() == "intero"
    assert [file.name for file in path.parent.iterdir()] == ["file.txt"]


def test_a_failure_leaves_what_was_there(tmp_path):
    path = tmp_path / "file.txt"
    write_text(path, "di prima")
    with pytest.raises(RuntimeError), replacing(path) as partial:
        partial.write_text("a metà")
        raise RuntimeError
    assert path.read_text() == "di prima"
    assert [file.name for file in tmp_path.iterdir()] == ["file.txt"]


def test_what_is_not_a_file_is_written_and_not_replaced(tmp_path):
    pipe, link = tmp_path / "pipe", tmp_path / "collegamento"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_text(pipe, "passa")
    assert os.read(reader, 99) == b"passa" and pipe.is_fifo()
    os.close(reader)
    link.symlink_to(tmp_path / "vero.txt")
    write_text(link, "di là")
    assert link.is_symlink() and (tmp_path / "vero.txt").read_text("utf-8") == "di là"


def test_a_block_that_writes_nothing_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "file.txt"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_one_process_at_a_time(tmp_path):
    path = tmp_path / "cartella" / "lavoro.in-corso"
    with locked(path):
        with pytest.raises(BlockingIOError), locked(path, wait=False):
            pass
        assert path.exists()
    assert not path.exists()
    with locked(path, wait=False):
        pass


def test_who_waits_goes_on_when_the_other_ends_or_is_killed(tmp_path):
    for how in ("finisce", "è ucciso"):
        path = tmp_path / how
        child = os.fork()
        if child == 0:
            with locked(path):
                (tmp_path / f"{how}.chiuso").touch()
                time.sleep(0.2 if how == "finisce" else 60)
            os._exit(0)
        while not (tmp_path / f"{how}.chiuso").exists():
            time.sleep(0.01)
        if how == "è ucciso":
            os.kill(child, signal.SIGKILL)
        with locked(path):
            assert path.exists()
        os.waitpid(child, 0)
        assert not path.exists()
