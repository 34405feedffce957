"""La scheda del modello linguistico, README.md, scritta dai numeri registrati accanto a lui."""

import hashlib
from pathlib import Path

import yaml

from attenzione.files import write_text
from attenzione.later.scoring import CONTINUED, PROMPT
from attenzione.training.report import curve, decimal, energy, integer, read, table


def render_card(folder):
    """Il testo della scheda di folder; le sezioni di cui mancano i numeri dicono che non sono stati misurati."""
    folder = Path(folder)
    facts = read(folder / "addestramento.json")
    recipe = yaml.safe_load((folder / "ricetta.yml").read_text("utf-8"))
    counts, model, training, division = (
        facts["conti"],
        *(recipe[s] for s in ("modello", "addestramento", "divisione")),
    )
    digest = hashlib.sha256((folder / "prosa.txt.gz").read_bytes()).hexdigest()
    scores = folder / "punteggi.json"
    result = read(scores) if scores.exists() else None
    return f"""# {recipe["nome"]}: un modello che continua un testo italiano

Un decoder piccolo, nello stile dei modelli venuti dopo l’articolo, addestrato da zero sul lato italiano del corpus del
traduttore e sulla prosa di questo libro. Serve a guardare dentro un modello linguistico vero e a portarlo altrove, non
a scrivere.

```sh
python -m attenzione continua "signor presidente, vorrei"
```

## Dati e licenza

Due testi, {integer(counts["lette"])} righe in tutto, vuote comprese:

- `europarl.it.gz`, il lato italiano di un campione di Europarl v7 italiano-inglese (P. Koehn, 2005), dai resoconti del
  Parlamento europeo; la pagina del corpus dichiara di non conoscere restrizioni di copyright. Non è nel deposito. Chi
  lo aveva tagliato lo aveva già ridotto in minuscolo, a frasi di al più venti parole circa, e non tutte: due righe
  vicine vengono di solito dalla stessa discussione, non sempre una segue l’altra.
- `prosa.txt.gz`, qui accanto: la prosa italiana di questo libro com’era in un certo giorno, una frase per riga, senza
  le frasi con formule o codice, senza la traduzione dell’articolo né alcuna parola degli autori. La fa
  `python -m lettore.prosa`; da allora il libro è cambiato, il file no. Ha la licenza dei testi del libro, CC BY-SA 4.0
  (`LICENSE-TESTO`). SHA-256: `{digest}`.

I pesi hanno la licenza del codice, MIT. Il testo si riduce in minuscolo e si pulisce come per il traduttore
(`attenzione/data/corpus.py`). Di una riga che si ripete, anche in file diversi, resta la prima
({integer(counts["doppioni"])} tolte): nessuna sta da due parti. La divisione (`attenzione/data/text.py`) è per blocchi
di {division["block_lines"]} righe vicine, e la decide l’impronta SHA-256 del blocco, modulo mille:
{division["dev_per_mille"]} millesimi allo sviluppo e {division["test_per_mille"]} alla prova. Restano
{integer(counts["addestramento"])} righe di addestramento, {integer(counts["sviluppo"])} di sviluppo,
{integer(counts["prova"])} di prova, che non ha deciso nulla. Righe quasi uguali possono stare da due parti.
Impronta dei testi di addestramento puliti: `{facts.get("impronta_dei_testi", "non registrata")}`.

## Ricetta

{model["n_layers"]} strati, d_model {model["d_model"]}, {model["n_heads"]} teste di query e {model["n_kv_heads"]} di
chiavi e valori, SwiGLU con d_ff {model["d_ff"]}, RMSNorm prima di ogni sottostrato e in cima, RoPE, nessun bias,
embedding e matrice d’uscita separati; dropout {decimal(model["p_drop"], 1)}; finestre di {model["max_len"]} token;
{integer(recipe["tokenizer"]["n_vocab"])} unità di byte-pair encoding sue; {integer(facts["parametri"])} parametri. Ogni
riga finisce con EOS, ogni blocco comincia con BOS. Adam ed equazione (3) con {integer(training["warmup_steps"])} passi
di warmup; batch di {integer(training["max_tokens"])} token, calcoli in {training["precision"]}. I pesi sono la media
dei checkpoint dei passi
{", ".join(map(integer, facts["media_dei_passi"]))},
scritti in float16; quanti passi fare e quanti checkpoint mediare lo ha deciso lo sviluppo. Tutto il resto è in
`ricetta.yml`:

```sh
make addestra RICETTA=modelli/{recipe["nome"]}/ricetta.yml DATI=cartella/dei/dati
```

## Curva

{integer(facts["passi"])} passi, {integer(facts["token_visti"])} token visti, epoche intere:
{facts["epoche_intere"]}. La perdita sullo sviluppo è in nat per token, in finestre che non si sovrappongono.

{curve(facts)}

## Quanto predice

{predicted(result)}

## Memoria

{memory(result)}

## Tempo ed energia

{energy(facts)}

## Limiti

Il testo è poco, {integer(counts["parole_di_addestramento"])} parole, lette
{facts["epoche_intere"]} volte: il modello sa le formule dell’aula e il tono di questo libro, fa frasi che stanno in
piedi e non sa nulla di ciò che dicono. Inventa fatti, nomi e numeri; scrive soltanto in minuscolo; vede al più
{model["max_len"]} token. Non è stato istruito a rispondere, né filtrato: ciò che il corpus dice di persone e popoli può
ritornare.
"""


def write_card(folder):
    """Scrive README.md in folder; ne rende il percorso."""
    path = Path(folder, "README.md")
    write_text(path, render_card(folder))
    return path


def predicted(result):
    """Le tabelle dei punteggi: il modello e i 5-grammi sulla prova, e su ciascuno dei suoi testi."""
    if result is None:
        return "Non ancora misurato."
    test = result["parti"]["prova"]
    versions = ", ".join(f"{name} {version}" for name, version in result["versioni"].items())
    losses = {name: scores["perdita"] for name, scores in test["modelli"].items()}
    return f"""Sulla parte «prova» ({integer(test["blocchi"])} blocchi, {integer(test["parole"])} parole,
{integer(test["token"])} token), il {result["data"]}, su {result["dispositivo"]} ({versions}). Si conta ogni token, EOS
compreso, col solo testo del suo blocco che lo precede. La perdita è in nat per token; la perplessità è per parola
separata da spazi o fine di riga; i bit sono per carattere del testo pulito o fine di riga.

{table(["", "Perdita", "Perplessità per parola", "Bit per carattere"], rows(test["modelli"]))}

I 5-grammi hanno lo smoothing di Kneser e Ney modificato e interpolato (`attenzione/later/ngrams.py`): le stesse unità,
la stessa divisione, gli sconti regolati sullo sviluppo. Guardano quattro token indietro, il modello tutto ciò che sta
in una finestra. {verdict(losses["5-grammi"] - losses["modello"])} Sui due testi, separati:

{table(["", "Perdita", "Perplessità per parola", "Bit per carattere"], of_texts(test["testi"]))}

Sullo sviluppo, che ha deciso quando fermarsi, la perdita è
{decimal(result["parti"]["sviluppo"]["modelli"]["modello"]["perdita"], 2)}; su righe di addestramento, in altrettanti
blocchi, {decimal(result["perdita_sull_addestramento"], 2)}. Li rifà, dove ci sono i dati:

```sh
python -m attenzione valuta --modello modelli/lingua-it --dati cartella/dei/dati
```"""


def rows(models, what=""):
    names = {"modello": "Questo modello", "5-grammi": "5-grammi, Kneser–Ney modificato"}
    keys = (("perdita", 3), ("perplessita_per_parola", 0), ("bit_per_carattere", 3))
    return [[what + names[m], *(decimal(scores[key], digits) for key, digits in keys)] for m, scores in models.items()]


def of_texts(texts):
    return [row for text, models in texts.items() for row in rows(models, f"`{text}`: ")]


def memory(result):
    """Quanto il modello ridà a memoria ciò che ha letto, e, per confronto, ciò che non ha letto."""
    if result is None:
        return "Non ancora misurata."
    seen, unseen = (result["memoria"][part] for part in ("addestramento", "prova"))
    return f"""Gli si danno {PROMPT} token di un testo; ne sceglie altri {CONTINUED}, ogni volta il più probabile, e si
guarda se sono quelli veri. Su {seen["luoghi"]} luoghi dell’addestramento li ridà tutti {times(seen["per_intero"])}, su
{unseen["luoghi"]} della prova {times(unseen["per_intero"])}; i token giusti di fila sono in media
{decimal(seen["token_di_fila"], 1)} e {decimal(unseen["token_di_fila"], 1)}."""


def verdict(margin):
    """Chi predice meglio, e di quanto: margin, in nat per token, è positivo se è il modello."""
    size = f"{decimal(abs(margin), 2)} nat per token"
    return f"Il modello li batte di {size}." if margin > 0 else f"Il modello non li batte: perde {size}."


def times(n):
    return "una volta" if n == 1 else f"{n} volte" if n else "nessuna volta"
