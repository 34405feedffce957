"""Il modello dell’articolo nella pagina: i moduli di ``web/modello`` in un programma solo, e i suoi pesi a 8 bit.

Da una cartella, senza rete, un browser non carica moduli né file: soltanto programmi classici. Perciò i moduli si
fondono, e ogni parte dei pesi è un programma che consegna i suoi byte in base64: è la codifica che il browser sa
sciogliere da sé, e con 9,4 MB sta nei 10. Una a 94 segni ne toglierebbe 0,8 e chiederebbe un ciclo nostro; compressa da
un server sarebbe più lunga del 2 %. I pesi li dà ``attenzione.quantization``, dal modello spedito.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from pathlib import Path

from sphinx.errors import ExtensionError

from attenzione.files import write_text

CARTELLA = "dal-vivo"
PAGINA = "chapters/laboratorio/dal-vivo"
MODELLO = "modelli/europarl-en-it"
INGRESSO = "translator.js"
IMPORTA = re.compile(r'^import \{[^}]*\} from "\./([\w-]+\.js)";\n', re.M)
ESPORTA = re.compile(r"^export (?=(?:const|class|function\*?) (\w+))", re.M)
DICHIARA = re.compile(r"^(?:const|let|class|function\*?) (\w+)", re.M)

INVOLUCRO = """\
// Il modello dell’articolo: i moduli di web/modello, uno dopo l’altro.
globalThis.attenzione = ((modules) => Object.assign(modules(), {{ source: String(modules) }}))(() => {{
"use strict";
{corpo}
return {{ {nomi} }};
}});
"""


# ---------------------------------------------------------------- il programma


def fondi(cartella: Path) -> str:
    """I moduli in un programma classico, ciascuno dopo quelli che importa; pubblica ciò che esportano.

    Errori: ExtensionError se due moduli danno lo stesso nome a due cose, o importano in un altro modo.
    """
    pezzi: dict[str, str] = {}

    def aggiungi(nome: str) -> None:
        testo = (cartella / nome).read_text("utf-8")
        for altro in IMPORTA.findall(testo):
            if altro not in pezzi:
                aggiungi(altro)
        pezzi[nome] = f"// ---- {nome}\n{IMPORTA.sub('', testo)}"

    aggiungi(INGRESSO)
    corpo = "\n".join(pezzi.values())
    pubblici = [m[1] for m in ESPORTA.finditer(corpo)]
    corpo = ESPORTA.sub("", corpo)
    nomi = DICHIARA.findall(corpo)
    if doppi := {nome for nome in nomi if nomi.count(nome) > 1}:
        raise ExtensionError(f"web/modello: {', '.join(sorted(doppi))} ha due significati, atteso uno")
    if rimasto := re.search(r"^(?:import|export)\b.*", corpo, re.M):
        raise ExtensionError(f"web/modello: «{rimasto[0]}» non si sa fondere")
    return INVOLUCRO.format(corpo=corpo, nomi=", ".join(pubblici))


# ---------------------------------------------------------------- i pesi


def programmi_dei_pesi(modello: Path) -> dict[str, str]:
    """I file dei pesi di un modello spedito, dal nome al testo: «indice.js», poi una parte ciascuno.

    Errori: ValueError se il modello non è quello che ``web/modello`` sa eseguire, o il tokenizer non è una BPE nostra.
    """
    from attenzione.quantization import quantized_state  # soltanto se i pesi si rifanno: portano PyTorch
    from attenzione.translator.pretrained import TOKENIZER, load_translator

    rete, _ = load_translator(modello)
    c = rete.config
    diverse = [
        f"{nome} = {valore}"
        for nome, valore, atteso in (
            ("norm_first", c.norm_first, False),
            ("final_norm", c.final_norm, False),
            ("positions", c.positions, "sinusoidal"),
            ("h · d_k", c.n_heads * c.d_k, c.d_model),
            ("h · d_v", c.n_heads * c.d_v, c.d_model),
        )
        if valore != atteso
    ]
    if diverse:
        raise ValueError(
            f"il modello ha {', '.join(diverse)}: web/modello esegue quello dell’articolo, e h · d = d_model"
        )
    parti: dict[str, list] = {}
    stato = quantized_state(rete)
    for nome in stato:
        parte = ".".join(nome.split(".")[: 1 if nome.startswith("embedding") else 2])
        intero = nome.removesuffix(".codes").removesuffix(".scale")
        if intero not in (elenco := parti.setdefault(parte, [])):
            elenco.append(intero)
    file, indice = {}, []
    for nome, byte, tensori in (
        ("tokenizer", scrivi_tokenizer(modello / TOKENIZER), None),
        *((nome, *scrivi_parte(stato, elenco)) for nome, elenco in parti.items()),
    ):
        nome_del_file = f"{nome.replace('.', '-')}.js"
        testo = f'attenzione.arrived("{nome}","{base64.b64encode(byte).decode()}");\n'
        file[nome_del_file] = testo
        voce = {"name": nome, "file": nome_del_file, "size": len(testo), "bytes": len(byte), "crc32": zlib.crc32(byte)}
        indice.append(voce | ({"tensors": tensori} if tensori else {}))
    voci = ("n_vocab", "n_layers", "d_model", "d_ff", "n_heads", "max_len", "pad_id", "bos_id", "eos_id")
    quanti = sum(parametro.numel() for parametro in rete.parameters())
    fatti = {"format": 1, "config": {v: getattr(c, v) for v in voci}, "parameters": quanti, "parts": indice}
    return {"indice.js": f'attenzione.arrived("indice",{json.dumps(fatti)});\n'} | file


def scrivi_parte(stato: dict, nomi: list[str]) -> tuple[bytes, list[list]]:
    """I byte di una parte e l’elenco dei suoi tensori: tutte le scale e i vettori, poi i codici."""
    virgole, codici, tensori = b"", b"", []
    for nome in nomi:
        if (intero := stato.get(f"{nome}.codes")) is None:
            virgole += stato[nome].numpy().astype("<f4").tobytes()
            tensori.append([nome, len(stato[nome])])
        else:
            virgole += stato[f"{nome}.scale"].numpy().astype("<f4").tobytes()
            codici += intero.numpy().tobytes()
            tensori.append([nome, *intero.shape])
    return virgole + codici, tensori


def scrivi_tokenizer(file: Path) -> bytes:
    """Le unità che non nascono da una fusione, e le fusioni come coppie di identificatori: ciascuna dà la seguente."""
    bpe = json.loads(file.read_text("utf-8"))["model"]
    ids = bpe["vocab"]
    unita = sorted(ids, key=ids.get)
    semplici = len(unita) - len(bpe["merges"])
    if unita[semplici:] != ["".join(coppia) for coppia in bpe["merges"]]:
        raise ValueError(f"«{file}»: attese le unità nell’ordine delle fusioni che le fanno")
    fusioni = [ids[parte] for coppia in bpe["merges"] for parte in coppia]
    testo = json.dumps({"symbols": unita[:semplici], "merges": fusioni}, ensure_ascii=False, separators=(",", ":"))
    return testo.encode("utf-8")


# ---------------------------------------------------------------- nella costruzione


FONTI = (
    *(f"{MODELLO}/modello.safetensors", f"{MODELLO}/tokenizer.json"),
    *("code/attenzione/quantization.py", "code/lettore/uscite/pagina/modello.py"),
)
"""Ciò da cui vengono i pesi: se non cambia, restano quelli scritti."""


def scrivi_pesi(cartella: Path, radice: Path) -> None:
    """I pesi in ``cartella``, soltanto se sono cambiati."""
    segno = cartella / ".pesi"
    fonti = hashlib.sha256(b"".join((radice / nome).read_bytes() for nome in FONTI)).hexdigest()
    if segno.is_file() and segno.read_text("utf-8") == fonti:
        return
    segno.unlink(missing_ok=True)
    for nome, testo in programmi_dei_pesi(radice / MODELLO).items():
        write_text(cartella / nome, testo)
    write_text(segno, fonti)


def prima(app):
    """Il programma, prima delle pagine: Sphinx ne mette il riassunto nell’indirizzo."""
    if app.builder.name == "html":
        write_text(Path(app.outdir, "_static", CARTELLA, "modello.js"), fondi(Path(app.confdir, "web/modello")))


def dopo(app, errore):
    """I pesi, dopo le pagine: chi esegue i capitoli si divide in processi prima che qui si carichi PyTorch."""
    if not errore and app.builder.name == "html" and PAGINA in app.env.found_docs:
        scrivi_pesi(Path(app.outdir, "_static", CARTELLA), Path(app.confdir))


def prove_registrate(radice: Path) -> str:
    """Il BLEU del modello intero e senza ciascun pezzo, come lo legge l’esperimento «senza»."""
    registrate = json.loads((radice / MODELLO / "ablazioni.json").read_text("utf-8"))
    solo_bleu = lambda voce: {"BLEU": voce["BLEU"]}  # noqa: E731
    dati = {
        "frasi": registrate["frasi"],
        "intero": solo_bleu(registrate["intero"]["8 bit"]),
        "prove": {nome: solo_bleu(voce) for nome, voce in registrate["prove"].items()},
    }
    return f'<script type="application/json" id="prove-registrate">{json.dumps(dati)}</script>\n'


def porta_le_prove(app, pagina, modello, contesto, doctree):
    if app.builder.name == "html" and 'data-nome="senza"' in contesto.get("body", ""):
        contesto["body"] += prove_registrate(Path(app.confdir))


def setup(app):
    app.connect("builder-inited", prima)
    app.connect("build-finished", dopo)
    app.connect("html-page-context", porta_le_prove)
