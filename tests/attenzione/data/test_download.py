"""I corpora pubblici contro un server di questa macchina: ripresa, disco pieno, somme, archivi guasti."""

import hashlib
import http.server
import io
import json
import tarfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from attenzione.data import download as module
from attenzione.data.download import CORPORA, Corpus, download, extract, load_corpus

CONTENT = bytes(range(256)) * 2000


class Server(http.server.BaseHTTPRequestHandler):
    """Dà i file di served; breaks: dopo quanti byte tagliare la prossima risposta; ranges: se li capisce."""

    served, breaks, ranges, asked = {}, [], True, []

    def do_GET(self):
        data = self.served.get(self.path)
        if data is None:
            return self.send_error(404)
        wanted = self.headers.get("Range") if self.ranges else None
        self.asked.append(self.headers.get("Range"))
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        if start >= len(data) > 0 and wanted:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(data)}")
            return self.end_headers()
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        end = start + self.breaks.pop(0) if self.breaks else None
        self.wfile.write(data[start:end])

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    Server.served, Server.breaks, Server.ranges, Server.asked = {"/a.tgz": CONTENT}, [], True, []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()


def archive(files, mode="w:gz"):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            tar.addfile(info, io.BytesIO(text.encode()))
    return buffer.getvalue()


def test_a_download_and_its_recorded_sum(server, tmp_path):
    path = download(f"{server}/a.tgz", tmp_path)
    assert path.read_bytes() == CONTENT and sorted(p.name for p in tmp_path.iterdir()) == ["a.tgz", "somme.json"]
    assert json.loads((tmp_path / "somme.json").read_text()) == {"a.tgz": hashlib.sha256(CONTENT).hexdigest()}
    Server.served = {}
    assert download(f"{server}/a.tgz", tmp_path) == path  # c’è già: non si chiede nulla


def test_an_interrupted_download_resumes_from_where_it_was(server, tmp_path):
    Server.breaks = [100_000, 150_000]
    for arrived in (100_000, 250_000):
        with pytest.raises(OSError, match=r"il download si è interrotto.*ripetendo il comando riprende"):
            download(f"{server}/a.tgz", tmp_path)
        assert [p.name for p in tmp_path.iterdir()] == ["a.tgz.parziale"]
        assert (tmp_path / "a.tgz.parziale").stat().st_size == arrived
    assert download(f"{server}/a.tgz", tmp_path).read_bytes() == CONTENT
    assert Server.asked == [None, "bytes=100000-", "bytes=250000-"]


def test_a_server_that_cannot_resume_starts_again(server, tmp_path):
    Server.ranges, Server.breaks = False, [100_000]
    with pytest.raises(OSError, match="interrotto"):
        download(f"{server}/a.tgz", tmp_path)
    assert download(f"{server}/a.tgz", tmp_path).read_bytes() == CONTENT


def test_a_partial_file_that_is_already_whole(server, tmp_path):
    (tmp_path / "a.tgz.parziale").write_bytes(CONTENT)
    assert download(f"{server}/a.tgz", tmp_path).read_bytes() == CONTENT


def test_a_full_disk_stops_before_and_leaves_nothing(server, tmp_path, monkeypatch):
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr(module.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(OSError, match=f"servono ancora {len(CONTENT)} byte e sul disco ne restano 1000"):
        download(f"{server}/a.tgz", tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_disk_that_fills_up_half_way_resumes_later(server, tmp_path, monkeypatch):
    real, written = open, []

    class Full(io.FileIO):
        def write(self, block):
            if len(written) == 2:
                raise OSError(28, "No space left on device")
            written.append(block)
            return super().write(block)

    monkeypatch.setattr(module, "open", lambda path, mode: Full(path, "a" if "a" in mode else "w"), raising=False)
    with pytest.raises(OSError, match="No space left"):
        download(f"{server}/a.tgz", tmp_path, chunk=65536)
    assert [p.name for p in tmp_path.iterdir()] == ["a.tgz.parziale"]
    monkeypatch.setattr(module, "open", real, raising=False)
    assert download(f"{server}/a.tgz", tmp_path).read_bytes() == CONTENT


def test_a_wrong_sum_is_an_error_and_removes_the_file(server, tmp_path):
    (tmp_path / "somme.json").write_text(json.dumps({"a.tgz": "0" * 64}))
    with pytest.raises(ValueError, match=rf"a\.tgz: la somma SHA-256 è [0-9a-f]{{64}}, attesa {'0' * 64}"):
        download(f"{server}/a.tgz", tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["somme.json"]


def test_offline_and_missing_files(server, tmp_path):
    with pytest.raises(OSError, match=r"b\.tgz: il server risponde 404"):
        download(f"{server}/b.tgz", tmp_path)
    with pytest.raises(OSError, match=r"il download si è interrotto.*serve la rete"):
        download("http://127.0.0.1:9/a.tgz", tmp_path)
    assert not list(tmp_path.iterdir())


def test_two_processes_download_one_at_a_time(server, tmp_path, monkeypatch):
    Server.served["/a.tgz"] = archive({"x/a.en": "one\n", "x/a.it": "uno\n"})
    monkeypatch.setitem(CORPORA, "prova", Corpus("prova", {f"{server}/a.tgz": [("x/a.en", "x/a.it")]}))
    with ThreadPoolExecutor(4) as pool:  # ciascun filo apre il suo file: per la serratura è come un altro processo
        found = list(pool.map(lambda _: load_corpus("prova", tmp_path), range(4)))
    assert found == [[("one", "uno")]] * 4 and Server.asked == [None]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.tgz", "a.tgz.estratto", "somme.json"]


def test_the_sums_of_two_downloads_at_once_are_both_kept(server, tmp_path):
    Server.served |= {f"/{n}.tgz": bytes([n]) * 1000 for n in range(6)}
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda n: download(f"{server}/{n}.tgz", tmp_path), range(6)))
    assert len(json.loads((tmp_path / "somme.json").read_text())) == 6


def test_a_partial_file_longer_than_the_true_one_is_not_taken(server, tmp_path):
    (tmp_path / "a.tgz.parziale").write_bytes(CONTENT + b"altro")
    with pytest.raises(ValueError, match=f"sono arrivati {len(CONTENT) + 5} byte, attesi {len(CONTENT)}: file tolto"):
        download(f"{server}/a.tgz", tmp_path)
    assert download(f"{server}/a.tgz", tmp_path).read_bytes() == CONTENT


def test_broken_sums_are_named(server, tmp_path):
    (tmp_path / "somme.json").write_text('{"a.tgz": ')
    with pytest.raises(ValueError, match=r"somme\.json»: non è un file JSON"):
        download(f"{server}/a.tgz", tmp_path)


def test_a_corpus_from_its_archives(server, tmp_path, monkeypatch):
    Server.served = {
        "/a.tgz": archive({"x/a.en": "one\ntwo\n", "x/a.it": "uno\ndue\n", "x/altro": "no"}),
        "/b.tar": archive({"./b.en": "three\n", "./b.it": "tre\n"}, "w"),
    }
    corpus = Corpus("prova", {f"{server}/a.tgz": [("x/a.en", "x/a.it")], f"{server}/b.tar": [("b.en", "b.it")]})
    monkeypatch.setitem(CORPORA, "prova", corpus)
    expected = [("one", "uno"), ("two", "due"), ("three", "tre")]
    assert load_corpus("prova", tmp_path) == load_corpus("prova", tmp_path) == expected
    assert load_corpus("prova", tmp_path, limit=1) == [("one", "uno"), ("three", "tre")]
    assert Server.asked == [None, None]
    assert not (tmp_path / "a.tgz.estratto" / "altro").exists() and not list(tmp_path.rglob("*.parziale"))


def test_the_test_sets_are_sgml(server, tmp_path, monkeypatch):
    sgml = '<refset>\n<doc>\n<seg id="1">{}</seg>\n<seg id="2"> {} </seg>\n</doc>\n</refset>\n'
    files = {"t/a.en.sgm": sgml.format("one &amp; two", "three"), "t/a.de.sgm": sgml.format("eins", "drei")}
    Server.served = {"/t.tgz": archive(files)}
    corpus = Corpus("prova", {f"{server}/t.tgz": [("t/a.en.sgm", "t/a.de.sgm")]})
    monkeypatch.setitem(CORPORA, "prova", corpus)
    assert load_corpus("prova", tmp_path) == [("one & two", "eins"), ("three", "drei")]
    assert load_corpus("prova", tmp_path, limit=1) == [("one & two", "eins")]


def test_damaged_archives_and_unknown_names(tmp_path):
    path = tmp_path / "a.tgz"
    path.write_bytes(archive({"a.en": "one\n" * 9999})[:-60])
    with pytest.raises(ValueError, match="l’archivio è danneggiato"):
        extract(path, ["a.en"])
    whole = bytearray(archive({"a.en": "".join(f"{n}\n" for n in range(9999))}))
    for place in (len(whole) // 2, -6):  # in mezzo, e nella somma di controllo
        flipped = bytearray(whole)
        flipped[place] ^= 255
        path.write_bytes(flipped)
        with pytest.raises(ValueError, match="l’archivio è danneggiato"):
            extract(path, ["a.en"])
        assert not list((tmp_path / "a.tgz.estratto").iterdir())
    path.write_bytes(archive({"a.en": "one\n"}))
    with pytest.raises(ValueError, match=r"mancano a\.it"):
        extract(path, ["a.en", "a.it"])
    with pytest.raises(ValueError, match="name vale «europarl»: atteso uno fra europarl-v7-en-it, wmt14-en-de"):
        load_corpus("europarl", tmp_path)


def test_the_addresses_are_secure_and_english_comes_first():
    for corpus in CORPORA.values():
        for url, files in corpus.archives.items():
            assert url.startswith("https://www.statmt.org/")
            assert all(".en" in Path(src).suffixes and ".en" not in Path(tgt).suffixes for src, tgt in files)
