"""L’importazione dell’originale, su un articolo di prova scritto da noi."""

import gzip
import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pypandoc
import pytest

from lettore import originale as modulo
from lettore.inventario import leggi_inventario
from lettore.originale import ErroreOriginale, __main__, carica, importa
from lettore.originale import tex as modulo_tex

RADICE = Path(__file__).resolve().parents[2]


@pytest.fixture
def importato(archivia, file_prova, inventario_prova, tmp_path):
    """L’articolo di prova già importato: (radice, riassunto)."""
    riassunto = importa(str(archivia(file_prova)), tmp_path / "_originale", inventario=inventario_prova)
    return tmp_path, riassunto


def fotografia(cartella: Path) -> dict[str, bytes]:
    return {str(f.relative_to(cartella)): f.read_bytes() for f in sorted(cartella.rglob("*")) if f.is_file()}


# ------------------------------------------------------------------ ciò che si scrive


def test_riassunto(importato):
    _, riassunto = importato
    assert riassunto["fonte"] == "articolo.tar.gz"
    assert riassunto["trovati"] == len(riassunto["blocchi"]) == 26
    assert riassunto["assenti"] == ["note-stile"]


@pytest.mark.parametrize(
    ("nome", "atteso"),
    [
        ("title", "La zuppa è tutto"),
        ("note-permesso", "Si può copiare per studio."),
        (
            "authors",
            "- Ada Rossi{richiamo}`note-pari`, Cucina Alta, `ada@esempio.it`\n"
            "- Łuca Bo{richiamo}`note-pari` {richiamo}`note-sala`, `luca@esempio.it`",
        ),
        ("note-pari", r"Pari merito, \{in ordine\} sparso."),
        ("abs-p1", "Un riassunto al 100% onesto. Fine del riassunto."),
        ("fig1-cap", "La pentola $P$, vuota."),
        (
            "s1-p1",
            r"La zuppa ha dimensione $d_{\text{zuppa}}=5$ e un vettore "
            r"$\mathbf{z} \in \mathbb{R}^{d_{\text{zuppa}}}$ {cite}`rossi1900,DBLP:bo/2001`. "
            "Come mostra la Figura\N{NO-BREAK SPACE}{rif}`fig1`, e come dice la sezione {rif}`s1.1`, "
            '"bolle" *piano* e **sempre** {richiamo}`s1-fn3`. '
            r"Costa 5\$ al \#1\_b \[circa\] \* 2 \< 3 \& basta.",
        ),
        ("s1-fn3", "Salvo il $40$ per cento dei casi {cite}`rossi1900`."),
        ("s1-p2", r"1\. Questo paragrafo comincia con un numero, e la formula"),
        ("s1-p3", "lo taglia in due, vedi\N{NO-BREAK SPACE}({rif}`eq1`)."),
        ("s1.1-li1", r"\- Mescolare *‘bene’* spesso."),
        ("eq1", "$$\nB(x) = \\frac{x}{\\sqrt{d_{\\text{zuppa}}}}\n$$"),
        ("eq-sale", "$$\n\\begin{aligned}\na &= b\\\\\ne &= \\text{sale}\n\\end{aligned}\n$$"),
        (
            "tab1",
            "```{list-table}\n:header-rows: 2\n\n"
            "* - Zuppa\n  - Sale\n  -\n"
            "* -\n  - poco\n  - molto\n"
            "* - Orzo {cite}`rossi1900`\n  - 1\n  - **2.5**\n"
            "* - Farro\n  - $\\boldsymbol{3\\cdot10^{2}}$\n  -\n```",
        ),
        ("s2-p1", "Si veda <https://esempio.it/a_b>, o [questo sito](<https://esempio.it/c>)."),
        ("ack-h", "Grazie"),
        (
            "refs",
            "1. Ada\N{NO-BREAK SPACE}Rossi. *Brodi e \\{graffe\\}*, pagine 3–4, 1900.\n2. Łuca Bö. Minestre.",
        ),
    ],
)
def test_myst(importato, nome, atteso):
    assert importato[1]["blocchi"][nome] == {"myst": atteso}


def test_le_figure_si_copiano(importato, file_prova):
    radice, riassunto = importato
    assert riassunto["blocchi"]["fig1"] == {"immagini": ["immagini/pentola.png"]}
    assert (radice / "_originale/immagini/pentola.png").read_bytes() == file_prova["figure/pentola.png"]


def test_commenti_e_iffalse_non_si_stampano(importato):
    tutto = json.dumps(importato[1], ensure_ascii=False)
    for escluso in ("mai stampata", "non si stampa", "commentato", "spento", "condizionale", "Dopo"):
        assert escluso not in tutto


@pytest.mark.parametrize(
    ("tex", "resta"),
    [
        (r"al 100\% vero", r"al 100\% vero"),
        (r"riga\\% commento", r"riga\\%"),
        ("a\n  % solo commento\nb", "a\nb"),
        (r"a\iffalse b\ifx c\fi d\fi e", "a e"),
        (r"a\iffalse b\else c\fi d", "a c d"),
        (r"\ifnum1=1 a\iffalse b\fi\else c\fi", r"\ifnum1=1 a\else c\fi"),
        (r"p \iff q", r"p \iff q"),
        ("fine\\", "fine\\"),
    ],
)
def test_togli_esclusi(tex, resta):
    assert modulo_tex.togli_esclusi(tex) == resta


# ------------------------------------------------------------------ da dove


@pytest.mark.parametrize("nome", ["articolo.tar.gz", "articolo.tar", "senza-estensione"])
def test_archivi(archivia, file_prova, inventario_prova, tmp_path, nome):
    riassunto = importa(str(archivia(file_prova, nome)), tmp_path / "o", inventario=inventario_prova)
    assert riassunto["trovati"] == 26


def test_archivio_con_una_cartella_dentro(archivia, file_prova, inventario_prova, tmp_path):
    dentro = {f"./zuppa/{nome}": dati for nome, dati in file_prova.items()}
    assert importa(str(archivia(dentro)), tmp_path / "o", inventario=inventario_prova)["trovati"] == 26


@pytest.mark.parametrize("quale", [".", "principale.tex"])
def test_cartella_e_tex(cartella_prova, inventario_prova, tmp_path, quale):
    assert importa(str(cartella_prova / quale), tmp_path / "o", inventario=inventario_prova)["trovati"] == 26


def test_nome_di_file_non_unicode(archivia, file_prova, inventario_prova, tmp_path):
    storto = os.fsencode(tmp_path) + b"/zuppa\xff.tar.gz"
    os.rename(archivia(file_prova), storto)
    riassunto = importa(os.fsdecode(storto), tmp_path / "o", inventario=inventario_prova)
    assert riassunto["fonte"] == "zuppa?.tar.gz"


def test_un_solo_tex_compresso(tmp_path, inventario_prova):
    tex = "\\documentclass{article}\\begin{document}\nSi può copiare per studio.\n\\end{document}"
    file = tmp_path / "uno.gz"
    file.write_bytes(gzip.compress(tex.encode()))
    solo = {"note-permesso": inventario_prova["note-permesso"]}
    assert importa(str(file), tmp_path / "o", inventario=solo)["trovati"] == 1


def test_stessi_byte_due_volte(archivia, cartella_prova, file_prova, inventario_prova, tmp_path):
    archivio = archivia(file_prova)
    importa(str(archivio), tmp_path / "a", inventario=inventario_prova)
    importa(str(archivio), tmp_path / "b", inventario=inventario_prova)
    prima = fotografia(tmp_path / "a")
    assert fotografia(tmp_path / "b") == prima
    importa(str(archivio), tmp_path / "a", inventario=inventario_prova)
    assert fotografia(tmp_path / "a") == prima
    da_cartella = importa(str(cartella_prova), tmp_path / "c", inventario=inventario_prova)
    assert da_cartella["impronta"] == json.loads(prima["blocchi.json"])["impronta"]


# ------------------------------------------------------------------ un altro articolo


def cambia(file_prova: dict[str, bytes], vecchio: str, nuovo: str) -> None:
    nome = next(n for n, dati in file_prova.items() if vecchio.encode() in dati)
    file_prova[nome] = file_prova[nome].replace(vecchio.encode(), nuovo.encode())


@pytest.mark.parametrize(
    ("vecchio", "nuovo", "nel_messaggio"),
    [
        ("Costa 5", "Costa 6", ["25 blocchi su 26", "s1-p1", "La zuppa ha", "comincia così, ma è diverso"]),
        ("La zuppa ha dimensione", "Il brodo ha dimensione", ["s1-p1", "nessun testo comincia così"]),
        ("figure/pentola", "figure/tegame", ["fig1", "manca il file figure/tegame"]),
        ("Assaggiare", "Assaggiare\\footnote{Nuova.}", ["s1.1-li2", "nota"]),
        ("footnotemark[1]", "footnotemark[9]", ["authors", "nota"]),
        (r"\end{equation}", r"+1\end{equation}", ["eq1", "25 blocchi"]),
        (r"\textbf{2.5}", r"\textbf{2.6}", ["tab1", "è diverso"]),
        ("\\label{fig:pentola}", "\\label{fig:altra}", ["s1-p1", "comincia così, ma è diverso"]),
    ],
)
def test_altra_versione(archivia, file_prova, inventario_prova, tmp_path, vecchio, nuovo, nel_messaggio):
    cambia(file_prova, vecchio, nuovo)
    with pytest.raises(ErroreOriginale) as errore:
        importa(str(archivia(file_prova)), tmp_path / "o", inventario=inventario_prova)
    for pezzo in nel_messaggio:
        assert pezzo in str(errore.value)
    assert not (tmp_path / "o").exists()


def test_cella_smisurata(archivia, file_prova, inventario_prova, tmp_path):
    """Una cella che dichiara di coprire un miliardo di righe non riempie la memoria."""
    cambia(file_prova, "multirow{2}", "multirow{1000000000}")
    with pytest.raises(ErroreOriginale, match="tab1"):
        importa(str(archivia(file_prova)), tmp_path / "o", inventario=inventario_prova)


def test_figura_cambiata(archivia, file_prova, inventario_prova, tmp_path):
    file_prova["figure/pentola.png"] += b"!"
    with pytest.raises(ErroreOriginale, match="fig1: le immagini sono diverse"):
        importa(str(archivia(file_prova)), tmp_path / "o", inventario=inventario_prova)


def test_l_ordine_non_conta_ma_il_genere_si(inventario_prova, tmp_path):
    """Un titolo e un paragrafo con le stesse parole sono blocchi diversi."""
    tex = tmp_path / "uno.tex"
    corpo = "Inizio\n\n\\section{Inizio}"
    tex.write_text(f"\\documentclass{{article}}\\begin{{document}}{corpo}\\end{{document}}", encoding="utf-8")
    solo = {"s1-h": inventario_prova["s1-h"]}
    assert importa(str(tex), tmp_path / "o", inventario=solo)["trovati"] == 1
    tex.write_text(tex.read_text().replace("\\section{Inizio}", ""), encoding="utf-8")
    with pytest.raises(ErroreOriginale, match="0 blocchi su 1"):
        importa(str(tex), tmp_path / "o", inventario=solo)


# ------------------------------------------------------------------ tutto o niente


def test_un_errore_lascia_l_importazione_di_prima(importato, archivia, inventario_prova):
    radice, _ = importato
    prima = fotografia(radice / "_originale")
    rotto = archivia({"a.tex": b"\\documentclass{article} niente"}, "rotto.tar.gz")
    with pytest.raises(ErroreOriginale):
        importa(str(rotto), radice / "_originale", inventario=inventario_prova)
    assert fotografia(radice / "_originale") == prima


@pytest.mark.parametrize("quando", [1, 2])
def test_disco_pieno(importato, archivia, file_prova, inventario_prova, monkeypatch, quando):
    """Se la scrittura fallisce alla prima o alla seconda sostituzione, resta ciò che c’era, senza avanzi."""
    radice, _ = importato
    prima = fotografia(radice / "_originale")
    veri, chiamate = os.replace, []

    def replace(*argomenti):
        chiamate.append(argomenti)
        if len(chiamate) == quando:
            raise OSError(28, "No space left on device")
        veri(*argomenti)

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(ErroreOriginale, match="non si riesce a scrivere"):
        importa(str(archivia(file_prova)), radice / "_originale", inventario=inventario_prova)
    assert len(chiamate) == quando
    assert fotografia(radice / "_originale") == prima


@pytest.mark.parametrize("quando", [1, 2])
@pytest.mark.parametrize("prima_volta", [True, False])
def test_ucciso_a_meta(importato, archivia, file_prova, inventario_prova, quando, prima_volta):
    """Un SIGKILL a metà della scrittura non lascia mai un’importazione a metà."""
    radice, riassunto = importato
    if prima_volta:
        shutil.rmtree(radice / "_originale")
    archivio = str(archivia(file_prova))
    programma = (
        "import os, pickle, signal, sys\n"
        "from pathlib import Path\n"
        "from lettore.originale import importa\n"
        "inventario = pickle.load(sys.stdin.buffer)\n"
        "vera, quanti = os.replace, []\n"
        "def replace(*argomenti):\n"
        "    quanti.append(1)\n"
        f"    if len(quanti) == {quando}: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    vera(*argomenti)\n"
        "os.replace = replace\n"
        "importa(sys.argv[1], Path(sys.argv[2]), inventario=inventario)\n"
    )
    esito = subprocess.run(
        [sys.executable, "-c", programma, archivio, str(radice / "_originale")],
        input=pickle.dumps(inventario_prova),
        env={**os.environ, "PYTHONPATH": str(RADICE / "code")},
    )
    assert esito.returncode == -signal.SIGKILL
    assert carica(radice) == (None if prima_volta else riassunto)
    importa(archivio, radice / "_originale", inventario=inventario_prova)
    assert carica(radice) == riassunto
    assert set(fotografia(radice / "_originale")) == {"blocchi.json", "immagini/pentola.png"}


def test_destinazione_che_non_si_puo_scrivere(archivia, file_prova, inventario_prova, tmp_path):
    (tmp_path / "o").write_text("un file, non una cartella")
    with pytest.raises(ErroreOriginale, match="non si riesce a scrivere"):
        importa(str(archivia(file_prova)), tmp_path / "o", inventario=inventario_prova)


# ------------------------------------------------------------------ rileggere


def test_carica_cio_che_importa_ha_scritto(importato):
    radice, riassunto = importato
    assert carica(radice) == riassunto


def test_carica_verifica_una_volta_finché_il_file_non_cambia(importato, monkeypatch):
    radice, riassunto = importato
    verificati = []
    monkeypatch.setattr(modulo, "_impronta", lambda blocchi: verificati.append(blocchi) or riassunto["impronta"])
    primo, secondo = carica(radice), carica(radice)
    assert primo == secondo == riassunto and len(verificati) == 1
    primo["blocchi"].clear()  # chi chiama ha una copia sua
    assert carica(radice) == riassunto
    file = radice / "_originale" / "blocchi.json"
    os.utime(file, ns=(0, file.stat().st_mtime_ns + 1))
    assert carica(radice) == riassunto and len(verificati) == 2


def test_carica_quando_non_c_e(tmp_path):
    assert carica(tmp_path) is None


@pytest.mark.parametrize(
    "guasto",
    [
        lambda cartella: (cartella / "blocchi.json").write_bytes(b""),
        lambda cartella: (cartella / "blocchi.json").write_bytes(b"\xff\xfe"),
        lambda cartella: (cartella / "blocchi.json").write_text("[]"),
        lambda cartella: (cartella / "blocchi.json").write_text('{"blocchi": {"a": 1}}'),
        lambda cartella: _ritocca(cartella / "blocchi.json", "Cottura", "Frittura"),
        lambda cartella: os.truncate(cartella / "blocchi.json", 1000),
        lambda cartella: (cartella / "immagini/pentola.png").unlink(),
    ],
)
def test_carica_un_originale_rovinato(importato, guasto):
    radice, _ = importato
    guasto(radice / "_originale")
    with pytest.raises(ErroreOriginale, match="rovinato; va rifatto"):
        carica(radice)


def _ritocca(file: Path, vecchio: str, nuovo: str) -> None:
    file.write_text(file.read_text(encoding="utf-8").replace(vecchio, nuovo), encoding="utf-8")


# ------------------------------------------------------------------ pandoc


def test_pandoc_troppo_lento(archivia, file_prova, inventario_prova, tmp_path, monkeypatch):
    monkeypatch.setattr(modulo_tex, "ATTESA_PANDOC", 0.001)
    with pytest.raises(ErroreOriginale, match="pandoc non ha finito"):
        importa(str(archivia(file_prova)), tmp_path / "o", inventario=inventario_prova)


def test_pandoc_che_manca(archivia, file_prova, inventario_prova, tmp_path, monkeypatch):
    monkeypatch.setattr(pypandoc, "get_pandoc_path", lambda: "/non/esiste/pandoc")
    with pytest.raises(ErroreOriginale, match="pypandoc_binary"):
        importa(str(archivia(file_prova)), tmp_path / "o", inventario=inventario_prova)


def test_tex_che_pandoc_non_capisce(archivia, file_prova, inventario_prova, tmp_path):
    cambia(file_prova, "\\begin{itemize}", "\\end{itemize}")
    with pytest.raises(ErroreOriginale, match="pandoc non capisce il TeX"):
        importa(str(archivia(file_prova)), tmp_path / "o", inventario=inventario_prova)


def test_pandoc_non_legge_altri_file(tmp_path, inventario_prova):
    """Il TeX ostile che nomina file della macchina non li ottiene."""
    segreto = tmp_path / "segreto.tex"
    segreto.write_text("Si può copiare per studio.")
    tex = tmp_path / "dentro" / "uno.tex"
    tex.parent.mkdir()
    nascosto = f"\\newcommand{{\\prendi}}{{\\input}}\\prendi{{{segreto}}}"
    for comando in ("\\input{../segreto}", f"\\input {segreto}\n", nascosto):
        tex.write_text(f"\\documentclass{{article}}\\begin{{document}}{comando}\\end{{document}}")
        with pytest.raises(ErroreOriginale):
            importa(str(tex), tmp_path / "o", inventario={"note-permesso": inventario_prova["note-permesso"]})


# ------------------------------------------------------------------ il comando


def test_comando_riuscito(archivia, file_prova, inventario_prova, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(__main__, "importa", lambda da, dove: importa(da, dove, inventario=inventario_prova))
    assert __main__.main(["--da", str(archivia(file_prova)), "--in", str(tmp_path / "o")]) == 0
    uscita = capsys.readouterr()
    assert uscita.out.splitlines() == [
        "Originale inglese: riconosciuti 26 blocchi su 129.",
        "Assenti perché li stampa soltanto il foglio di stile: note-stile.",
    ]
    assert uscita.err == ""


def test_comando_da_variabile_d_ambiente(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("ORIGINALE", str(tmp_path / "non-c-e.tar.gz"))
    assert __main__.main(["--in", str(tmp_path / "o")]) == 1
    assert "non-c-e.tar.gz: questo file non c’è; serve l’e-print" in capsys.readouterr().err


def test_comando_interrotto(tmp_path, monkeypatch, capsys):
    def interrompi(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(__main__, "importa", interrompi)
    assert __main__.main(["--da", "x", "--in", str(tmp_path)]) == 130
    assert "Interrotto" in capsys.readouterr().err


def test_comando_vero_con_un_file_sbagliato(tmp_path):
    file = tmp_path / "articolo.pdf"
    file.write_bytes(b"%PDF-1.5 ...")
    esito = subprocess.run(
        [sys.executable, "-m", "lettore.originale", "--da", str(file), "--in", str(tmp_path / "o")],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(RADICE / "code"), "PYTHONIOENCODING": "utf-8"},
    )
    assert esito.returncode == 1
    assert esito.stdout == ""
    assert esito.stderr.startswith("Errore: articolo.pdf: è un PDF, non il sorgente TeX; serve l’e-print")
    assert "Traceback" not in esito.stderr
    assert not (tmp_path / "o").exists()


def test_l_inventario_vero_e_quello_predefinito(archivia, file_prova, tmp_path):
    with pytest.raises(ErroreOriginale, match="riconosciuti 0 blocchi su 126"):
        importa(str(archivia(file_prova)), tmp_path / "o")
    assert len(leggi_inventario()) == 129
