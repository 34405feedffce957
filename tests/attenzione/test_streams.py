"""I tre flussi: UTF-8 dappertutto, Ctrl-C, chi smette di leggere, flussi chiusi, righe che arrivano quando vogliono."""

import io
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from attenzione.streams import arriving_lines, decode_line

CODE = Path(__file__).parents[2] / "code"
COMMANDS = [f for f in sorted(CODE.rglob("*.py")) if '\nif __name__ == "__main__":\n' in f.read_text("utf-8")]
ENV = os.environ | {"PYTHONPATH": str(CODE), "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": ""}
INSPECT = [sys.executable, "-m", "attenzione", "ispeziona", "base"]


def program(body):
    """Un programma che as_command esegue; body: le istruzioni della sua main."""
    return [
        sys.executable,
        "-c",
        f"import sys, time\nfrom attenzione.streams import *\ndef main():\n {body}\nsys.exit(as_command(main))",
    ]


def shell(line, *arguments):
    """Esegue line in bash, con arguments come "$@"; rende il risultato, coi byte."""
    command = ["bash", "-c", f"set -o pipefail; {line}", "bash", *arguments]
    return subprocess.run(command, env=ENV, capture_output=True, timeout=120)


@pytest.mark.parametrize("file", COMMANDS, ids=lambda file: file.relative_to(CODE).as_posix())
def test_every_command_of_the_project_goes_through_as_command(file):
    assert re.search(r'if __name__ == "__main__":\n    sys\.exit\(as_command\(.*\)\)\n$', file.read_text("utf-8"))


def test_the_output_is_utf_8_whatever_the_terminal_says():
    for encoding in ("ascii", "latin-1"):
        environment = ENV | {"PYTHONIOENCODING": encoding}
        for module, sentence in (("attenzione", "«Attention Is All"), ("lettore.originale", "l’originale inglese")):
            done = subprocess.run([sys.executable, "-m", module, "--help"], env=environment, capture_output=True)
            assert done.returncode == 0 and sentence in done.stdout.decode("utf-8") and done.stderr == b""
        wrong = [sys.executable, "-m", "attenzione", "ispeziona", "così"]
        done = subprocess.run(wrong, env=environment, capture_output=True)
        assert done.returncode == 1 and "CHE_COSA vale «così»" in done.stderr.decode("utf-8")


def test_the_name_of_a_file_that_is_not_utf_8_comes_back_with_its_bytes():
    done = subprocess.run([*program("print(sys.argv[1])"), b"caf\xe9"], env=ENV, capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"caf\xe9\n", b"")


def test_who_stops_reading_gets_silence_and_the_command_the_status_of_any_filter():
    for arguments in (INSPECT, [*INSPECT[:3], "--help"], program("print('x' * 10**6)")):
        done = shell('"$@" | true', *arguments)
        assert (done.returncode, done.stderr) == (141, b"")
    done = shell('"$@" | head -1', *program("[print('riga', flush=True) for _ in range(10**6)]"))
    assert (done.returncode, done.stdout, done.stderr) == (141, b"riga\n", b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="non c’è /dev/full")
def test_a_full_disk_is_one_line():
    for arguments in (INSPECT, program("print('x')")):
        done = shell('"$@" > /dev/full', *arguments)
        assert (done.returncode, done.stderr.decode()) == (1, "errore: sul disco non c’è più posto\n")


def test_ctrl_c_is_one_line_and_130():
    ready = "print('pronto', flush=True); time.sleep(60)"
    with subprocess.Popen(
        program(ready), env=ENV, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "pronto\n"
        process.send_signal(signal.SIGINT)
        assert (process.wait(30), process.stderr.read()) == (130, "interrotto\n")


def test_a_closed_stream_is_never_mixed_with_another(tmp_path):
    noisy = program("print('risposta'); print('avviso', file=sys.stderr); say('altro')")
    done = shell('"$@" 2>&-', *noisy)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"risposta\n", b"")
    opens = program("file = open(sys.argv[1], 'w'); os.write(1, b'x'); os.write(2, b'y'); file.flush()")
    for closed in (">&-", "2>&-", "<&- >&- 2>&-"):  # il file aperto non prende il posto del flusso chiuso
        file = tmp_path / "file"
        done = shell(f'"$@" {closed}', *opens, str(file))
        assert done.returncode == 0 and file.read_bytes() == b""
    done = shell('"$@" >&-', *INSPECT)
    assert (done.returncode, done.stderr.decode()) == (1, "errore: lo standard output è chiuso: atteso aperto\n")


def test_an_input_that_is_not_ready_yet_has_not_ended():
    """Come lo lasciano i programmi che leggono senza aspettare."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    body = "print('pronto', flush=True); print(list(arriving_lines(sys.stdin.buffer, 2)))"
    with subprocess.Popen(program(body), env=ENV, stdin=reader, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        time.sleep(0.2)
        os.write(writer, b"riga\n")
        os.close(writer)
        assert process.stdout.read() == b"[[b'riga\\n']]\n"
    os.close(reader)


class Pipe(io.RawIOBase):
    """Una pipe finta: ogni lettura rende il pezzo successivo."""

    def __init__(self, pieces):
        self.pieces = list(pieces)

    def readable(self):
        return True

    def readinto(self, buffer):
        piece = self.pieces.pop(0) if self.pieces else b""
        buffer[: len(piece)] = piece
        return len(piece)


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([], []),
        ([b"a\n"], [[b"a\n"]]),
        ([b"a\nb\n", b"c\n"], [[b"a\n", b"b\n"], [b"c\n"]]),
        ([b"a\nb\nc\nd\ne\n"], [[b"a\n", b"b\n"], [b"c\n", b"d\n"], [b"e\n"]]),
        ([b"un", b"a r", b"iga\nal", b"tra"], [[b"una riga\n"], [b"altra"]]),
        ([b"perch\xc3", b"\xa9\n\n"], [["perché\n".encode(), b"\n"]]),
        ([b"a\r\nb\x85c\x0bd"], [[b"a\r\n"], [b"b\x85c\x0bd"]]),
    ],
)
def test_lines_come_as_they_arrive_at_most_so_many_together(pieces, expected):
    assert list(arriving_lines(io.BufferedReader(Pipe(pieces)), 2)) == expected


def test_what_was_already_read_ahead_is_not_lost():
    stream = io.BufferedReader(Pipe([b"a\nb\nc", b"\nd\n"]))
    assert stream.readline() == b"a\n"  # ora il resto è nella memoria del lettore
    assert [line for lines in arriving_lines(stream, 8) for line in lines] == [b"b\n", b"c\n", b"d\n"]


def test_a_very_long_line_costs_in_proportion():
    start = time.process_time()
    ((line,),) = arriving_lines(io.BytesIO(b"x" * 50_000_000), 2)
    assert len(line) == 50_000_000 and time.process_time() - start < 5


def test_a_line_loses_its_end_and_the_first_its_byte_order_mark():
    assert decode_line("\ufeffil gatto\r\n".encode(), 1) == "il gatto"
    assert decode_line("\ufeffil gatto\n".encode(), 2) == "\ufeffil gatto"
    assert decode_line("il\u2028gatto\x0b\x85\r".encode(), 3) == "il\u2028gatto\x0b\x85"
    with pytest.raises(ValueError, match=r"^riga 7, byte 4: il testo non è in UTF-8$"):
        decode_line(b"caf\xe9\n", 7)
