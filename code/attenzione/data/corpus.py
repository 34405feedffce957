"""Un corpus parallelo da due file: lettura, pulizia, filtri, doppioni, divisione in tre parti per regola.

Una coppia è (partenza, arrivo), due stringhe. La pulizia vale per tutte e tre le parti; i filtri tolgono coppie
soltanto dall’addestramento: lo sviluppo e la prova restano come il corpus li dà.
"""

import gzip
import hashlib
import re
import unicodedata
import zlib
from itertools import islice
from pathlib import Path

from attenzione.streams import decode_line

PARTS = ("addestramento", "sviluppo", "prova")
CHARACTERS = str.maketrans(
    {
        **dict.fromkeys("‘’‛´`′", "'"),
        **dict.fromkeys("“”„«»″", '"'),
        **dict.fromkeys("‐‑‒–—―−", "-"),
        "…": "...",
        "\u00ad": None,
        "\ufeff": None,
        "\u200b": None,
    }
)
LANGUAGES = "bg|cs|da|de|el|en|es|et|fi|fr|ga|hu|it|lt|lv|mt|nl|pl|pt|ro|sk|sl|sv"  # le lingue del Parlamento europeo
SPURIOUS = re.compile(  # ciò che il resoconto antepone alle parole dette
    rf"^(?:[\s.,;:-]+(?!\d)|\((?:{LANGUAGES})\)|"
    r"(?:in writing|per iscritto|schriftlich|par écrit)[.,]?\s*(?=[(-]))+"
)
ELIDED = re.compile(r"\b([a-zà-ù]*(?:ll|gl|st|nt|qu|un|tr|sc)|[lcdnmtsv])' (?=[aeiouhàèéìòù])")


def read_parallel(src_path, tgt_path, limit=None):
    """Le coppie di due file di testo UTF-8, anche .gz: la riga i dell’uno traduce la riga i dell’altro.

    limit: quante righe leggere, tutte se None.
    Errori: ValueError se un file è vuoto, se le righe non sono altrettante, se una riga non è in UTF-8 (dice
    quale) o se il .gz è danneggiato; FileNotFoundError.
    """
    src, tgt = read_lines(src_path, limit), read_lines(tgt_path, limit)
    if len(src) != len(tgt):
        raise ValueError(f"{src_path} ha {len(src)} righe e {tgt_path} ne ha {len(tgt)}: attese altrettante")
    return list(zip(src, tgt, strict=True))


def read_lines(path, limit=None):
    """Le righe di un file di testo UTF-8, anche .gz, con o senza il segno dei byte in testa.

    Si va a capo a \\n e \\r\\n, e a nessun altro segno. Errori: come read_parallel.
    """
    lines = []
    try:
        with (gzip.open if Path(path).suffix == ".gz" else open)(path, "rb") as file:
            for number, line in enumerate(islice(file, limit), start=1):
                try:
                    lines.append(decode_line(line, number))
                except ValueError as error:
                    raise ValueError(f"{path}, {error}") from error
    except FileNotFoundError as error:
        raise FileNotFoundError(f"path vale «{path}»: atteso un file che esiste") from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"path vale «{path}»: il file compresso è danneggiato") from error
    if not lines:
        raise ValueError(f"path vale «{path}»: il file è vuoto, attesa almeno una riga")
    return lines


def clean(text):
    """Il testo in minuscolo, con una sola forma per ogni segno e senza ciò che il resoconto antepone.

    Nell’ordine: forma NFC e minuscole; virgolette, apostrofi e trattini ridotti a " ' -; trattini, punti e sigle
    di lingua iniziali tolti («. – (en)», ma non «(ii)» né «(UK)»); l’apostrofo riunito alla parola («dell' hedge»,
    «tomorrow' s»), «e'» scritto «è»; uno spazio solo fra le parole, nessuno prima della punteggiatura.
    """
    text = unicodedata.normalize("NFC", text).lower().translate(CHARACTERS)
    text = SPURIOUS.sub("", " ".join(text.split()))
    text = re.sub(r"(?<=\w) ?' s\b", "'s", text)
    text = ELIDED.sub(r"\1'", text)
    text = re.sub(r"\be'(?!\w)", "è", text)
    return re.sub(r" (?=[.,;:!?)\]](?!\S))", "", text).strip()


def keep(src, tgt, max_words=100, max_ratio=2.5):
    """Se una coppia pulita serve ad addestrare: lunghezze ammesse e confrontabili, nessun carattere perduto.

    max_words: parole al più, per parte; max_ratio: quante volte, al più, la parte più lunga in caratteri può
    superare l’altra (con dieci caratteri di tolleranza, perché le frasi brevi variano di più).
    """
    short, long = sorted((len(src), len(tgt)))
    return (
        max(len(src.split()), len(tgt.split())) <= max_words
        and long <= max_ratio * short + 10
        and "\ufffd" not in src + tgt
    )


def part_of(src, dev_per_mille=20, test_per_mille=20):
    """La parte a cui tocca una frase di partenza pulita: «addestramento», «sviluppo» o «prova».

    Decide l’impronta SHA-256 della frase, modulo mille: la stessa frase va sempre dalla stessa parte, in
    qualunque ordine e corpus stia.
    """
    number = int.from_bytes(hashlib.sha256(src.encode("utf-8")).digest()[:8]) % 1000
    if number < dev_per_mille:
        return "sviluppo"
    return "prova" if number < dev_per_mille + test_per_mille else "addestramento"


def split_corpus(pairs, max_words=100, max_ratio=2.5, dev_per_mille=20, test_per_mille=20):
    """Pulisce le coppie, toglie vuote e doppioni e le divide. Rende (parti, conti), due dizionari.

    parti: per ciascuno di PARTS l’elenco delle coppie, nell’ordine del corpus; conti: quante coppie sono
    entrate, uscite e perché. Errori: ValueError se una parte resta vuota.
    """
    parts = {name: [] for name in PARTS}
    counts = {"lette": len(pairs), "vuote": 0, "doppioni": 0, "filtrate": 0}
    seen = set()
    for pair in pairs:
        src, tgt = map(clean, pair)
        if not src or not tgt:
            counts["vuote"] += 1
        elif (src, tgt) in seen:
            counts["doppioni"] += 1
        else:
            seen.add((src, tgt))
            part = part_of(src, dev_per_mille, test_per_mille)
            if part == "addestramento" and not keep(src, tgt, max_words, max_ratio):
                counts["filtrate"] += 1
            else:
                parts[part].append((src, tgt))
    for name, part in parts.items():
        if not part:
            raise ValueError(f"la parte «{name}» è vuota: le {len(pairs)} coppie sono troppo poche da dividere")
    return parts, counts | {name: len(part) for name, part in parts.items()}
