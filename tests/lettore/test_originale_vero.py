"""L’importazione dell’e-print vero, quando una copia è a portata: i blocchi ci sono tutti e sono vivi."""

import re
import tarfile
from pathlib import Path

import pytest
from eprint import DISPONIBILE, MANCA

from lettore.inventario import impronta, leggi_inventario, normalizza
from lettore.originale import ErroreOriginale, importa
from lettore.originale.prelievo import apri
from lettore.originale.tex import appiattisci, candidati, leggi_con_pandoc, prepara, risolvi_rimandi

if not DISPONIBILE:  # una riga sola, invece di una per blocco
    pytest.skip(MANCA, allow_module_level=True)

INVENTARIO = leggi_inventario()
SCRITTI = [b for b in INVENTARIO.values() if b.nel_tex and b.kind != "figure"]
IN_RIGA = [b for b in SCRITTI if b.kind not in ("equation", "table")]
_RUOLO = re.compile(r"\{(\w+)\}`([^`]*)`")
_FORMULA = re.compile(r"(?<!\\)\$([^$]*)(?<!\\)\$")


def ruoli(testo: str, nome: str) -> list[str]:
    return [v for ruolo, valori in _RUOLO.findall(testo) if ruolo == nome for v in valori.split(",")]


def test_126_su_129(originale):
    assert originale["trovati"] == 126
    assert originale["assenti"] == ["note-venue", "abs-h", "refs-h"]
    assert list(originale["blocchi"]) == [b.id for b in INVENTARIO.values() if b.nel_tex]


def test_nulla_dell_articolo_resta_fuori(eprint):
    """Ogni pezzo del sorgente è un blocco: né pezzi in più, né pezzi in meno."""
    sorgenti = apri(eprint)
    albero = leggi_con_pandoc(prepara(appiattisci(sorgenti), "vero"), "vero")
    risolvi_rimandi(albero)
    pezzi = candidati(albero, sorgenti.leggi)
    attesi = sorted(b.fingerprint for b in INVENTARIO.values() if b.nel_tex)
    assert sorted(p.impronta for p in pezzi) == attesi


@pytest.mark.parametrize("blocco", SCRITTI, ids=lambda b: b.id)
def test_citazioni_rimandi_note_formule(originale, blocco):
    """Ciò che l’inventario registra di ogni blocco si ritrova, vivo e nello stesso ordine, nel suo MyST."""
    testo = originale["blocchi"][blocco.id]["myst"]
    assert ruoli(testo, "cite") == list(blocco.cites)
    assert list(dict.fromkeys(ruoli(testo, "rif"))) == list(blocco.refs)
    assert list(dict.fromkeys(ruoli(testo, "richiamo"))) == list(blocco.footnotes)
    if blocco in IN_RIGA:
        assert "\n" not in testo or blocco.kind in ("authors", "references")
        trovate = {"".join(f.split()) for f in _FORMULA.findall(testo)}
        assert {"".join(f.split()) for f in blocco.maths} == trovate


@pytest.mark.parametrize("blocco", IN_RIGA, ids=lambda b: b.id)
def test_il_myst_ridà_l_impronta(originale, blocco):
    """Riletto da un analizzatore Markdown, il MyST ha la stessa impronta del TeX: nulla si è perso."""
    configurazione = pytest.importorskip("myst_parser.config.main")
    analizzatori = pytest.importorskip("myst_parser.parsers.mdit")
    renderer = pytest.importorskip("markdown_it.renderer")
    scelte = configurazione.MdParserConfig(enable_extensions={"dollarmath", "amsmath", "colon_fence"})
    segni = analizzatori.create_md_parser(scelte, renderer.RendererHTML).parse(originale["blocchi"][blocco.id]["myst"])
    testo = ""
    for segno in (figlio for s in segni for figlio in s.children or ()):
        if segno.type in ("text", "code_inline"):
            testo += segno.content
        elif segno.type == "myst_role" and segno.meta["name"] == "rif":
            testo += re.sub("^[a-z]+", "", segno.content)
    assert impronta(normalizza(testo)) == blocco.fingerprint


def test_numeri_delle_tabelle(originale):
    tabelle = [originale["blocchi"][f"tab{n}"]["myst"] for n in (1, 2, 3, 4)]
    celle = [re.findall(r"(?m)^[* ] - ?(.*)$", tabella) for tabella in tabelle]
    assert [len(c) for c in celle] == [6 * 4, 12 * 6, 22 * 13, 13 * 3]
    assert [celle[2][i] for i in (26, 27, 28, 29, 38)] == ["base", "6", "512", "2048", "65"]
    assert celle[2].count("(A)") == 1
    assert celle[2][-3:] == ["**4.33**", "**26.4**", "213"]
    testate = [tabella.splitlines()[1] for tabella in tabelle]
    assert testate == [":header-rows: 2"] * 3 + [":header-rows: 1"]


def test_40_riferimenti_e_8_autori(originale):
    blocchi = originale["blocchi"]
    assert [int(r.split(".")[0]) for r in blocchi["refs"]["myst"].splitlines()] == list(range(1, 41))
    autori = blocchi["authors"]["myst"].splitlines()
    assert len(autori) == 8
    assert all(a.count("{richiamo}`note-equal`") == 1 and a.count("@") == 1 for a in autori)


def test_immagini_vere(originale, radice_con_originale):
    for blocco in INVENTARIO.values():
        if blocco.kind == "figure":
            immagini = originale["blocchi"][blocco.id]["immagini"]
            assert immagini == [f"immagini/{Path(i).name}" for i in blocco.images]
            dati = b"".join((radice_con_originale / "_originale" / i).read_bytes() for i in immagini)
            assert impronta(dati) == blocco.fingerprint


def test_nessun_avanzo_di_tex(originale):
    for nome, blocco in originale["blocchi"].items():
        if INVENTARIO[nome].kind not in ("equation", "figure"):
            testo = _FORMULA.sub("x", blocco["myst"])
            assert not re.search(r"\\[A-Za-z]|[\ue000-\uf8ff]|\S  +\S", testo), nome


def test_equazioni_senza_macro(originale):
    tutte = " ".join(originale["blocchi"][b.id]["myst"] for b in INVENTARIO.values() if b.kind == "equation")
    assert r"d_{\text{model}}" in tutte
    assert not re.search(r"\\(dmodel|dff|label|begin\{(equation|align)\b)", tutte)


def test_bozze_escluse(originale, eprint):
    """Le bozze commentate e i file non inclusi, che nell’e-print ci sono, non passano."""
    with tarfile.open(eprint) as archivio:
        bozza = archivio.extractfile("sqrt_d_trick.tex").read().decode()
    frasi = [normalizza(f) for f in re.split(r"[.$%\\]", bozza)]
    stampato = normalizza(" ".join(b.get("myst", "") for b in originale["blocchi"].values()))
    assert not [f for f in frasi if len(f) > 60 and f in stampato]


def test_cartella_e_tex_danno_lo_stesso(originale, eprint, tmp_path):
    with tarfile.open(eprint) as archivio:
        archivio.extractall(tmp_path / "e-print", filter="data")
    for da in (tmp_path / "e-print", tmp_path / "e-print/ms.tex"):
        assert importa(str(da), tmp_path / "o")["impronta"] == originale["impronta"]


@pytest.mark.parametrize(
    ("file", "vecchio", "nuovo", "messaggio"),
    [
        ("ms.tex", "NAACL", "ACL", "125 blocchi su 126.*\n.*refs "),
        ("training.tex", "4.5 million", "4.6 million", "125 blocchi su 126.*\n.*s5.1-p1 .*è diverso"),
        ("results.tex", "91.7", "91.8", "125 blocchi su 126.*\n.*tab4 .*è diverso"),
        ("training.tex", "", None, "manca il file training.tex, richiesto da ms.tex"),
        ("vis/anaphora_resolution_new.pdf", "", None, "fig4: manca il file vis/anaphora_resolution_new.pdf"),
    ],
)
def test_un_altra_versione(eprint, tmp_path, file, vecchio, nuovo, messaggio):
    cartella = tmp_path / "e-print"
    with tarfile.open(eprint) as archivio:
        archivio.extractall(cartella, filter="data")
    if nuovo is None:
        (cartella / file).unlink()
    else:
        testo = (cartella / file).read_text(encoding="utf-8")
        assert vecchio in testo
        (cartella / file).write_text(testo.replace(vecchio, nuovo), encoding="utf-8")
    with pytest.raises(ErroreOriginale, match=messaggio):
        importa(str(cartella), tmp_path / "o")
    assert not (tmp_path / "o").exists()


def test_nessun_blocco_a_una_versione_senza_permesso(eprint, tmp_path):
    """La versione 5, che non ha l’avviso di permesso, si riconosce come altra versione."""
    cartella = tmp_path / "e-print"
    with tarfile.open(eprint) as archivio:
        archivio.extractall(cartella, filter="data")
    testo = (cartella / "ms.tex").read_text(encoding="utf-8")
    testo = re.sub(r"\\begin\{center\}.*?\\end\{center\}", "", testo, flags=re.S)
    (cartella / "ms.tex").write_text(testo, encoding="utf-8")
    with pytest.raises(ErroreOriginale, match=r"125 blocchi su 126.*\n.*note-permission"):
        importa(str(cartella), tmp_path / "o")
