"""La scheda di un modello, README.md, scritta dai numeri registrati accanto a lui: nessuno è copiato a mano."""

import math
from pathlib import Path

import yaml

from attenzione.files import write_text
from attenzione.training.report import curve, decimal, energy, integer, read, table

NAMES = {
    "principale": "Transformer, questa ricetta",
    "xavier": "con le matrici di partenza intere",
    "senza-posizioni": "senza codifica posizionale",
    "una-testa": "con una testa sola",
    "tasso-ridotto": "con il tasso di apprendimento ridotto",
    "lstm": "LSTM con attenzione additiva",
}


def render_card(folder):
    """Il testo della scheda di folder; le sezioni di cui mancano i numeri dicono che non sono stati misurati."""
    folder = Path(folder)
    facts = read(folder / "addestramento.json")
    recipe = yaml.safe_load((folder / "ricetta.yml").read_text("utf-8"))
    counts, model, training = facts["conti"], recipe["modello"], recipe["addestramento"]
    return f"""# {recipe["nome"]}: dall’inglese all’italiano, il modello del libro

Un Transformer piccolo, addestrato da zero con la ricetta dell’articolo su {integer(counts["addestramento"])} coppie di
frasi del Parlamento europeo. Serve a guardare dentro un traduttore vero, non a tradurre per lavoro.

```sh
python -m attenzione traduci "i would like to thank the rapporteur."
```

## Dati e licenza

Un campione di {integer(counts["lette"])} coppie del corpus Europarl v7 italiano-inglese (P. Koehn, 2005), dai resoconti
del Parlamento europeo; la pagina del corpus dichiara di non conoscere restrizioni di copyright. I dati non sono nel
deposito. Chi li aveva tagliati li aveva già ridotti in minuscolo, a frasi di al più venti parole circa: il modello non
distingue le maiuscole e scrive in minuscolo. I pesi hanno la licenza del codice, MIT.

Pulizia, filtri e divisione sono in `attenzione/data/corpus.py`. Tolte {integer(counts["vuote"])} coppie vuote e
{integer(counts["doppioni"])} doppioni; {integer(counts["filtrate"])} tolte dal solo addestramento, perché di lunghezza
troppo diversa o con caratteri perduti. La divisione la decide l’impronta SHA-256 della frase inglese pulita, modulo
mille, sicché le frasi inglesi uguali stanno dalla stessa parte: {integer(counts["sviluppo"])} coppie di sviluppo,
{integer(counts["prova"])} di prova, tenute fuori dall’addestramento e dal tokenizer. La parte di prova non ha deciso
nulla. Frasi quasi uguali, e la stessa frase italiana per due inglesi diverse, possono stare dalle due parti.

## Ricetta

{model["n_layers"]} + {model["n_layers"]} strati, d_model {model["d_model"]}, d_ff {model["d_ff"]},
{model["n_heads"]} teste, dropout {decimal(model["p_drop"], 1)}, label smoothing {decimal(model["eps_ls"], 1)};
{integer(recipe["tokenizer"]["n_vocab"])} unità di byte-pair encoding, comuni alle due lingue;
{integer(facts["parametri"])} parametri. Come nell’articolo: post-norm, embedding condivisi, Adam, ed equazione (3) con
{integer(training["warmup_steps"])} passi di warmup. Batch fino a {integer(training["max_tokens"])} token di partenza e
di arrivo, calcoli in {training["precision"]}. I pesi sono la media dei checkpoint dei passi
{", ".join(map(integer, facts["media_dei_passi"]))},
scritti in float16; quanti mediarne lo ha deciso lo sviluppo. Tutto il resto è in `ricetta.yml`:

```sh
make addestra RICETTA=modelli/{recipe["nome"]}/ricetta.yml DATI=cartella/dei/dati
```

## Curva

{integer(facts["passi"])} passi, {integer(facts["token_visti"])} token di arrivo visti, epoche intere:
{facts["epoche_intere"]}. La perdita sullo sviluppo è in nat per unità, senza label smoothing.

{curve(facts)}

## Punteggi

{scores(folder / "punteggi.json")}

## Confronti

{comparisons(folder / "confronti.json", folder / "punteggi.json", training["warmup_steps"])}

## Tempo ed energia

{energy(facts)}

## Limiti

Limitano il punteggio i dati, il tempo, e una ricetta cercata poco:
{integer(counts["addestramento"])} frasi brevi, contro i 4,5 milioni dell’articolo,
lette {facts["epoche_intere"]} volte su una CPU.{gap(folder / "punteggi.json")}

Il lessico è quello dell’aula parlamentare; fuori di lì il modello inventa, ripete, o torna alle sue formule. Nomi e
numeri rari si perdono. Traduce una frase per volta; frasi più lunghe di quelle viste riescono peggio.
"""


def write_card(folder):
    """Scrive README.md in folder; ne rende il percorso."""
    path = Path(folder, "README.md")
    write_text(path, render_card(folder))
    return path


def scores(path):
    """La tabella dei punteggi di valuta, con le firme."""
    if not path.exists():
        return "Non ancora misurati."
    result = read(path)
    names = {"beam": "beam search, ampiezza 4, α = 0,6", "greedy": "greedy"}
    rows = [
        [names[how], decimal(s["BLEU"], 1), decimal(s["chrF"], 1), decimal(s["secondi"], 0)]
        for how, s in result["risultati"].items()
    ]
    first = next(iter(result["risultati"].values()))
    versions = ", ".join(f"{name} {version}" for name, version in result["versioni"].items())
    return f"""Sulle {integer(result["frasi"])} frasi della parte «{result["parte"]}», il {result["data"]}, su
{result["dispositivo"]} ({versions}):

{table(["", "BLEU", "chrF", "Secondi"], rows)}

Firme: `{first["firma_BLEU"]}` e `{first["firma_chrF"]}`. Li rifà, dove ci sono i dati:

```sh
python -m attenzione valuta --dati cartella/dei/dati
```"""


def gap(path):
    """La perdita sulle frasi viste e su quelle di prova, dai numeri di valuta."""
    losses = read(path).get("perdite", {}) if path.exists() else {}
    if not {"addestramento", "prova"} <= losses.keys():
        return ""
    seen, unseen = (decimal(losses[part], 2) for part in ("addestramento", "prova"))
    return f""" La perdita, in nat per unità, è {seen}
sulle frasi viste e {unseen} su quelle di prova: la differenza è ciò che ha imparato a memoria."""


def comparisons(path, scores_path, warmup_steps):
    """La tabella dei confronti a pari passi: se si ferma al warmup, e quale variante ha già superato il modello."""
    if not path.exists():
        return "Non ancora misurati."
    result = read(path)
    final = read(scores_path)["risultati"]["greedy"]["BLEU"] if scores_path.exists() else math.inf
    rows, ahead = [], ""
    for name, r in result["modelli"].items():
        peak = decimal(r["peso_massimo"], 2) if "peso_massimo" in r else "—"
        rows.append(
            [
                NAMES[name],
                integer(r["parametri"]),
                decimal(r["perdita_sviluppo"], 3),
                decimal(r["BLEU"], 1),
                decimal(r["chrF"], 1),
                peak,
            ]
        )
        if name != "principale" and r["BLEU"] > final:
            ahead += f"""

A quel passo, con greedy, «{NAMES[name]}» traduce già meglio del modello del libro alla fine dei suoi."""
    early = ""
    if result["passi"] <= warmup_steps:
        early = """
Il confronto si ferma dove finisce il warmup: dice chi impara in fretta all’inizio, non chi arriva più lontano."""
    return f"""La stessa divisione e lo stesso numero di passi, {integer(result["passi"])}: media
degli ultimi {result["media"]} checkpoint, greedy, parte «{result["parte"]}». Ogni variante cambia ciò che dice la
ricetta, in fondo. «Peso massimo» è la media, nell’encoder,
del peso più grande di ogni riga di attenzione: 1 se guarda una parola sola. Un solo seme per ciascuno: differenze di
pochi decimi non dicono nulla.{early}

{table(["", "Parametri", "Perdita di sviluppo", "BLEU", "chrF", "Peso massimo"], rows)}{ahead}

Li rifà `python -m attenzione confronta`, dove ci sono gli addestramenti."""
