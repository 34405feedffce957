"""Scaricare e aprire: server che cadono, archivi rotti, archivi ostili."""

import gzip
import io
import os
import socket
import tarfile
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lettore.originale import ErroreOriginale, importa, prelievo
from lettore.originale.prelievo import apri, scarica
from lettore.originale.tex import appiattisci, prepara

MINIMO = b"\\documentclass{article}\\begin{document}Ciao.\\end{document}"

# ------------------------------------------------------------------ scaricare


@contextmanager
def servitore(*risposte):
    """Un server locale che dà una risposta dopo l’altra; rende (url, richieste ricevute)."""
    richieste = []

    class Gestore(BaseHTTPRequestHandler):
        def do_GET(self):
            richieste.append(dict(self.headers))
            risposte[min(len(richieste), len(risposte)) - 1](self)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Gestore)
    server.handle_error = lambda *_: None
    filo = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    filo.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/e-print", richieste
    finally:
        server.shutdown()
        server.server_close()


def manda(dati: bytes, lunghezza: int | None = None):
    def risposta(gestore):
        gestore.send_response(200)
        gestore.send_header("Content-Length", str(len(dati) if lunghezza is None else lunghezza))
        gestore.end_headers()
        gestore.wfile.write(dati)

    return risposta


def rispondi(codice: int):
    return lambda gestore: gestore.send_error(codice)


def taci(secondi: float):
    return lambda _: time.sleep(secondi)


@pytest.fixture(autouse=True)
def senza_pausa(monkeypatch):
    monkeypatch.setattr(prelievo, "PAUSA", 0)


def test_scarica_e_importa(archivia, file_prova, inventario_prova, tmp_path, capsys):
    with servitore(manda(archivia(file_prova).read_bytes())) as (url, richieste):
        riassunto = importa(None, tmp_path / "o", inventario=inventario_prova, url=url)
    assert riassunto["trovati"] == 26
    assert riassunto["fonte"] == url
    assert len(richieste) == 1
    assert richieste[0]["User-Agent"].startswith("attenzione-libro/")
    assert f"Scaricato l’originale da {url}: 0,0 MB" in capsys.readouterr().err


def test_avanzamento_su_terminale(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    with servitore(manda(b"x" * 300_000)) as (url, _):
        scarica(tmp_path / "f", url)
    assert "\rScarico l’originale: 0," in capsys.readouterr().err


@pytest.mark.parametrize("primo", [rispondi(503), manda(b"solo una parte", 1000)])
def test_un_secondo_tentativo(tmp_path, capsys, primo):
    with servitore(primo, manda(b"intero")) as (url, richieste):
        scarica(tmp_path / "f", url)
    assert (tmp_path / "f").read_bytes() == b"intero"
    assert len(richieste) == 2
    assert "Riprovo una volta" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("risposta", "tentativi", "causa"),
    [
        (rispondi(404), 1, "il server risponde 404"),
        (rispondi(403), 1, "il server risponde 403"),
        (rispondi(500), 2, "il server risponde 500"),
        (manda(b"solo una parte", 1000), 2, "si è interrotto a metà"),
        (taci(0.4), 2, "il server è troppo lento"),
    ],
)
def test_scaricamento_non_riuscito(tmp_path, risposta, tentativi, causa):
    with servitore(risposta) as (url, richieste), pytest.raises(ErroreOriginale) as errore:
        importa(None, tmp_path / "o", url=url, attesa=0.15)
    assert len(richieste) == tentativi
    assert causa in str(errore.value)
    assert "--da PERCORSO (o ORIGINALE=PERCORSO)" in str(errore.value)
    assert not (tmp_path / "o").exists()


def test_server_che_gocciola(tmp_path):
    """Ogni byte arriva in tempo, ma il tutto non finirebbe mai: vale la scadenza complessiva."""

    def gocciola(gestore):
        gestore.send_response(200)
        gestore.end_headers()
        for _ in range(40):
            gestore.wfile.write(b"x")
            gestore.wfile.flush()
            time.sleep(0.02)

    inizio = time.monotonic()
    with servitore(gocciola) as (url, _), pytest.raises(ErroreOriginale, match="troppo lento"):
        scarica(tmp_path / "f", url, attesa=5, scadenza=0.1)
    assert time.monotonic() - inizio < 5


def test_senza_rete(tmp_path, capsys):
    with socket.socket() as libera:
        libera.bind(("127.0.0.1", 0))
        porta = libera.getsockname()[1]
    with pytest.raises(ErroreOriginale, match=r"non si raggiunge.*\n.*Senza rete si può dare"):
        importa(None, tmp_path / "o", url=f"http://127.0.0.1:{porta}/")


def test_scaricato_troppo_grande(tmp_path, monkeypatch):
    monkeypatch.setattr(prelievo, "LIMITE_SCARICATO", 1000)
    with servitore(manda(b"x" * 2000)) as (url, richieste), pytest.raises(ErroreOriginale, match="manda più"):
        scarica(tmp_path / "f", url)
    assert len(richieste) == 1


def test_arxiv_che_manda_una_pagina(tmp_path):
    pagina = manda(b"<!DOCTYPE html><title>Attendere</title>")
    with servitore(pagina) as (url, _), pytest.raises(ErroreOriginale, match="è una pagina HTML"):
        importa(None, tmp_path / "o", url=url)


# ------------------------------------------------------------------ file che non sono un e-print


@pytest.mark.parametrize(
    ("dati", "causa"),
    [
        (b"", "il file è vuoto"),
        (gzip.compress(b"", mtime=0), "il file è vuoto"),
        (b"%PDF-1.7 ...", "è un PDF, non il sorgente TeX"),
        (b"PK\x03\x04...", "è un archivio zip"),
        (b"BZh91AY", "è un archivio bzip2"),
        (b"<html>", "è una pagina HTML"),
        (b"parole qualsiasi", "non è un archivio tar né un file TeX"),
        (bytes(range(256)) * 8, "non è un archivio tar né un file TeX"),
        (gzip.compress(b"parole qualsiasi", mtime=0), "non è un archivio tar né un file TeX"),
        (gzip.compress(os.urandom(5000), mtime=0)[:-1000], "l’archivio è troncato o rovinato"),
        (gzip.compress(b"x" * 5000, mtime=0) + b"coda", "l’archivio è troncato o rovinato"),
        (b"\x1f\x8b\x08", "l’archivio è troncato o rovinato"),
    ],
)
def test_non_e_un_e_print(tmp_path, dati, causa):
    file = tmp_path / "dato.tar.gz"
    file.write_bytes(dati)
    with pytest.raises(ErroreOriginale, match=causa) as errore:
        apri(file)
    assert "serve l’e-print arXiv 1706.03762v7" in str(errore.value)


def test_tar_troncato(tmp_path, tar_in_memoria):
    file = tmp_path / "dato.tar"
    intero = tar_in_memoria({"ms.tex": MINIMO, "grande.png": os.urandom(5000)})
    for lunghezza in (300, 512, 700, 1024, 1500, 4000, 1536 + 5120):
        file.write_bytes(intero[:lunghezza])
        with pytest.raises(ErroreOriginale, match="troncato o rovinato"):
            apri(file)
    file.write_bytes(intero[:512] + b"\1" + intero[513:1024] + b"\1" + intero[1025:])
    with pytest.raises(ErroreOriginale, match="troncato o rovinato"):
        apri(file)


@pytest.mark.parametrize("percorso", ["non-esiste", "/dev/zero", "\0"])
def test_percorso_che_non_e_un_file(percorso):
    with pytest.raises(ErroreOriginale, match="questo file non c’è"):
        apri(Path(percorso))


@pytest.mark.parametrize("nome", ["dato.tar", "ms.tex"])
def test_file_senza_permesso(tmp_path, monkeypatch, nome):
    def vietato(*_):
        raise PermissionError(13, "Permission denied")

    (tmp_path / nome).write_bytes(MINIMO)
    monkeypatch.setattr(Path, "open", vietato)
    with pytest.raises(ErroreOriginale, match=f"{nome}: non si riesce a leggere .Permission denied"):
        appiattisci(apri(tmp_path / nome))


@pytest.mark.parametrize(
    "contenuto",
    [{"leggimi.txt": b"ciao"}, {"a.tex": b"solo un pezzo"}, {"a.tex": b"% \\documentclass{article}"}, {}],
)
def test_archivio_senza_articolo(archivia, contenuto):
    with pytest.raises(ErroreOriginale, match=r"non c’è un file \.tex con"):
        apri(archivia(contenuto))


def test_cartella_corrente(tmp_path, monkeypatch):
    (tmp_path / "ms.tex").write_bytes(MINIMO)
    monkeypatch.chdir(tmp_path)
    assert apri(Path(".")).nome == tmp_path.name


def test_cartella_senza_articolo(tmp_path):
    with pytest.raises(ErroreOriginale, match=r"non c’è un file \.tex con"):
        apri(tmp_path)


def test_sceglie_il_tex_principale(archivia):
    contenuto = {"a/ms.tex": MINIMO, "zuppa.tex": MINIMO, "brani.tex": b"testo", "ms.tex": MINIMO}
    assert apri(archivia(contenuto)).principale == "ms.tex"
    del contenuto["ms.tex"]
    assert apri(archivia(contenuto)).principale == "zuppa.tex"
    del contenuto["zuppa.tex"]
    sorgenti = apri(archivia(contenuto | {"a/figura.png": b"png"}))
    assert (sorgenti.principale, sorgenti.leggi("figura.png"), sorgenti.leggi("./figura.png")) == (
        "ms.tex",
        b"png",
        b"png",
    )


# ------------------------------------------------------------------ archivi ostili


def speciale(nome: str, tipo: bytes, verso: str = "") -> tarfile.TarInfo:
    elemento = tarfile.TarInfo(nome)
    elemento.type, elemento.linkname = tipo, verso
    return elemento


@pytest.mark.parametrize("nome", ["/etc/passwd", "../fuori.tex", "a/../../fuori.tex", "C:\\fuori.tex", "C:x"])
def test_percorsi_che_escono(archivia, nome):
    with pytest.raises(ErroreOriginale, match="uscirebbe dalla cartella di estrazione"):
        apri(archivia({"ms.tex": MINIMO, nome: b"male"}))


@pytest.mark.parametrize(
    "elemento",
    [
        speciale("ms2.tex", tarfile.SYMTYPE, "/etc/passwd"),
        speciale("ms2.tex", tarfile.LNKTYPE, "ms.tex"),
        speciale("disco", tarfile.BLKTYPE),
        speciale("tubo", tarfile.FIFOTYPE),
    ],
)
def test_collegamenti_e_dispositivi(archivia, elemento):
    with pytest.raises(ErroreOriginale, match="è un collegamento o un dispositivo"):
        apri(archivia({"ms.tex": MINIMO}, in_piu=[elemento]))


def test_troppi_file(archivia):
    with pytest.raises(ErroreOriginale, match="più di 500 file"):
        apri(archivia({"ms.tex": MINIMO} | {f"{n}.tex": b"" for n in range(600)}))


def test_cartelle_ammesse(archivia):
    archivio = archivia({"ms.tex": MINIMO}, in_piu=[speciale("Figures", tarfile.DIRTYPE)])
    assert apri(archivio).principale == "ms.tex"


@pytest.mark.parametrize("misura", [2**70, -512, -1024])
def test_misure_impossibili(tmp_path, misura):
    """Un elemento che si dichiara immenso, o lungo meno di zero, non blocca né confonde."""
    elemento = tarfile.TarInfo("ms.tex")
    elemento.size = misura
    file = tmp_path / "dato.tar"
    file.write_bytes(elemento.tobuf(tarfile.GNU_FORMAT) + bytes(20 * 512))
    with pytest.raises(ErroreOriginale, match=r"troncato o rovinato|più di 500 file"):
        apri(file)


def test_bomba_gzip(tmp_path):
    """Pochi kilobyte che ne diventano centinaia di milioni."""
    file = tmp_path / "bomba.gz"
    with gzip.open(file, "wb", compresslevel=1) as bomba:
        for _ in range(100):
            bomba.write(bytes(2**20))
    assert file.stat().st_size < 2**20
    with pytest.raises(ErroreOriginale, match="decompresso supera 64,0 MB"):
        apri(file)


@pytest.mark.parametrize(("quanti", "misura"), [(1, 2**40), (3, 40 * 2**20)])
def test_bomba_sparsa(tmp_path, quanti, misura):
    """Un file «sparso» di tar dichiara zeri che nell’archivio non ci sono; il limite vale per la somma."""
    mappa = f"1\n{misura}\n0\n".encode().ljust(512, b"\0")
    file = tmp_path / "bomba.tar"
    with tarfile.open(file, "w", format=tarfile.PAX_FORMAT) as archivio:
        for n in range(quanti):
            elemento = tarfile.TarInfo(f"{n}.tex")
            elemento.pax_headers = {
                "GNU.sparse.major": "1",
                "GNU.sparse.minor": "0",
                "GNU.sparse.name": f"{n}.tex",
                "GNU.sparse.realsize": str(misura),
            }
            elemento.size = len(mappa)
            archivio.addfile(elemento, io.BytesIO(mappa))
    with pytest.raises(ErroreOriginale, match="decompresso supera"):
        apri(file)


def test_il_limite_vale_per_la_somma_dei_file(archivia, monkeypatch):
    monkeypatch.setattr(prelievo, "LIMITE_ESTRATTO", 30_000)
    apri(archivia({"ms.tex": MINIMO, "a.png": bytes(9_000)}, "piccolo.tar"))
    with pytest.raises(ErroreOriginale, match="decompresso supera"):
        apri(archivia({"ms.tex": MINIMO, "a.png": bytes(15_000), "b.png": bytes(15_000)}, "grande.tar"))


def test_cartella_con_collegamenti_che_escono(tmp_path):
    (tmp_path / "segreto.tex").write_text("segreto")
    cartella = tmp_path / "articolo"
    cartella.mkdir()
    (cartella / "ms.tex").write_bytes(MINIMO.replace(b"Ciao.", b"\\input{capitolo}"))
    (cartella / "capitolo.tex").symlink_to(tmp_path / "segreto.tex")
    with pytest.raises(ErroreOriginale, match="porta fuori dalla cartella"):
        appiattisci(apri(cartella))
    (cartella / "ms.tex").write_bytes(MINIMO.replace(b"Ciao.", b"\\input{../segreto}"))
    with pytest.raises(ErroreOriginale, match="porta fuori dalla cartella"):
        appiattisci(apri(cartella / "ms.tex"))


# ------------------------------------------------------------------ TeX malformato


@pytest.mark.parametrize(
    ("file", "causa"),
    [
        ({"ms.tex": MINIMO + "caffè".encode("latin-1")}, "ms.tex non è in UTF-8 .riga 1, byte 0xe8"),
        ({"ms.tex": MINIMO + b"\n\n\0"}, "ms.tex non è testo"),
        ({"ms.tex": MINIMO + b"\\input{b}"}, "manca il file b.tex, richiesto da ms.tex"),
        ({"ms.tex": MINIMO + b"\\input{b}", "b.tex": b"\n"}, "il file b.tex è vuoto"),
        ({"ms.tex": MINIMO + b"\\input{b}", "b.tex": b"\\input{ms}"}, "girano in tondo .b.tex e ms.tex"),
        ({"ms.tex": MINIMO + b"\\input{ms.tex}"}, "girano in tondo"),
        ({"ms.tex": MINIMO + b"\\input{/etc/hostname}"}, "manca il file /etc/hostname.tex"),
    ],
)
def test_tex_malformato(archivia, file, causa):
    with pytest.raises(ErroreOriginale, match=causa):
        appiattisci(apri(archivia(file)))


@pytest.mark.parametrize(
    ("file", "causa"),
    [
        ({"ms.tex": b"\\documentclass{article}"}, "non c’è .begin.document"),
        ({"ms.tex": b"\\documentclass{article}\\title{aperta" + MINIMO[23:]}, "le graffe di .title"),
        ({"ms.tex": MINIMO.replace(b"Ciao.", rb"\emph{" * 3000 + b"}" * 3000)}, "annidato troppo|pandoc non"),
        ({"ms.tex": MINIMO.replace(b"Ciao.", rb"\newcommand{\a}{\a\a}\a")}, "pandoc non"),
    ],
)
def test_tex_che_non_si_legge(archivia, tmp_path, file, causa):
    with pytest.raises(ErroreOriginale, match=causa):
        importa(str(archivia(file)), tmp_path / "o")


def test_inclusioni_esponenziali(archivia):
    """Ogni file include due volte il successivo: presto sarebbero miliardi."""
    file = {f"f{n}.tex": f"%\n\\input{{f{n + 1}}}\\input{{f{n + 1}}}".encode() for n in range(18)}
    file |= {"ms.tex": MINIMO + b"\\input{f0}", "f18.tex": b"% solo un commento"}
    with pytest.raises(ErroreOriginale, match="smisurato"):
        appiattisci(apri(archivia(file)))


def test_bom_e_a_capo_di_windows(archivia):
    file = {"ms.tex": b"\xef\xbb\xbf" + MINIMO.replace(b"Ciao.", "Sì%\r\n  o no\r\n% mai\r\n".encode())}
    assert "Sì%\n  o no\n\\end" in appiattisci(apri(archivia(file)))


# ------------------------------------------------------------------ a caso


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_archivi_guastati_a_caso(tmp_path, tar_in_memoria, data):
    """Qualunque byte si guasti o si tolga, l’esito è un archivio letto o un ErroreOriginale, mai altro."""
    dati = bytearray(tar_in_memoria({"ms.tex": MINIMO, "a/b.png": b"png" * 300}))
    if compresso := data.draw(st.booleans()):
        dati = bytearray(gzip.compress(dati, mtime=0))
    for _ in range(data.draw(st.integers(1, 6))):
        dati[data.draw(st.integers(0, len(dati) - 1))] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del dati[data.draw(st.integers(0, len(dati))) :]
    file = tmp_path / ("guasto.tar.gz" if compresso else "guasto.tar")
    file.write_bytes(dati)
    try:
        appiattisci(apri(file))
    except ErroreOriginale as errore:
        assert "guasto.tar" in str(errore)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=600))
def test_file_a_caso(tmp_path, dati):
    file = tmp_path / "caso"
    file.write_bytes(dati)
    try:
        prepara(appiattisci(apri(file)), "caso")
    except ErroreOriginale as errore:
        assert "caso" in str(errore)
