"""Gli alberi che l’esperimento `beam` mostra: dal traduttore spedito, i prefissi che la beam search visita.

``python tests/web/alberi.py`` li rifà in ``web/esperimenti/beam-alberi.js``: occorre se cambia il traduttore, e una
prova lo dice.
"""

import json
from pathlib import Path

import torch

from attenzione.files import write_text
from attenzione.translator.pretrained import encode_source, load_translator

FRASI = (
    "Human rights must be respected everywhere.",
    "This directive must be applied in all Member States.",
    "We need more money for research.",
)
AMPIEZZE = (1, 2, 3, 4)
FILE = Path(__file__).resolve().parents[2] / "web/esperimenti/beam-alberi.js"
TESTA = """// Scritto da tests/web/alberi.py: di ogni prefisso visitato le continuazioni più probabili, ciascuna
// [pezzo, log-probabilità, seguito].
"""


@torch.inference_mode()
def albero(model, tokenizer, frase: str) -> list:
    """I prefissi che la ricerca visita, con ciascuna ampiezza; di ognuno, tante continuazioni quanti i posti."""
    config = model.config
    z, _ = model.encode(torch.tensor([encode_source(tokenizer, frase, config)]))
    visti = {}

    def continuazioni(prefisso: tuple[int, ...]) -> dict:
        if prefisso not in visti:
            tgt = torch.tensor([[config.bos_id, *prefisso]])
            logits = model.embedding.logits(model.decode(tgt, z)[0, -1])
            logits[[config.pad_id, config.bos_id]] = -torch.inf
            likeliest = logits.log_softmax(dim=-1).topk(max(AMPIEZZE))
            coppie = zip(likeliest.indices.tolist(), likeliest.values.tolist(), strict=True)
            visti[prefisso] = {token: [nome(token), round(valore, 4), 0] for token, valore in coppie}
            if prefisso:
                visti[prefisso[:-1]][prefisso[-1]][2] = list(visti[prefisso].values())
        return visti[prefisso]

    def nome(token: int) -> str:
        return "" if token == config.eos_id else tokenizer.tokens[token]

    for ampiezza in AMPIEZZE:
        tenuti, finiti = [(0.0, ())], 0
        while tenuti and ampiezza > finiti:
            candidati = [
                (totale + valore, (*prefisso, token))
                for totale, prefisso in tenuti
                for token, (_, valore, _) in list(continuazioni(prefisso).items())[:ampiezza]
            ]
            migliori = sorted(candidati, reverse=True)[: ampiezza - finiti]
            tenuti = [c for c in migliori if c[1][-1] != config.eos_id]
            finiti += len(migliori) - len(tenuti)
    return list(visti[()].values())


def alberi() -> dict[str, list]:
    model, tokenizer = load_translator()
    return {frase: albero(model, tokenizer, frase) for frase in FRASI}


if __name__ == "__main__":
    righe = ",\n".join(
        f"  {json.dumps(frase)}: {json.dumps(rami, ensure_ascii=False, separators=(',', ':'))}"
        for frase, rami in alberi().items()
    )
    write_text(FILE, f"{TESTA}Esperimenti.alberi = {{\n{righe},\n}};\n")
