"""La vista <attenzione-vista>, che mostra nella pagina i pesi di attenzione parola per parola."""

import base64
import html
import io
import json
from dataclasses import dataclass

from matplotlib import pyplot as plt

from attenzione.evidence.heads import KINDS
from attenzione.evidence.words import word_attention
from attenzione.figures.attention_lines import attention_lines


@dataclass(frozen=True)
class AttentionView:
    """La vista: un elemento HTML con i dati e una figura ferma; nel PDF, e dove non c’è JavaScript, la sola figura."""

    data: str
    figure: bytes
    pdf: bytes
    alt: str
    element: str = "attenzione-vista"

    def _repr_mimebundle_(self, include=None, exclude=None):
        image = base64.b64encode(self.figure).decode()
        page = (
            f'<{self.element}><img class="vista-ferma" alt="{html.escape(self.alt)}" '
            f'src="data:image/svg+xml;base64,{image}"><script type="application/json">{self.data}</script>'
            f"</{self.element}>"
        )
        pdf = base64.b64encode(self.pdf).decode()
        return {"text/html": page, "application/pdf": pdf, "text/plain": self.alt}


def attention_view(model, tokenizer, pairs, kind="encoder", layer=0, head=None, word=0, alt="Vista dell’attenzione"):
    """La vista di più frasi, con tutti gli strati, le teste e i tipi di un modello.

    pairs: coppie (frase, traduzione); kind, layer, head, word: che cosa si vede all’inizio e nella figura ferma, della
    prima frase; head e word contati da 0, head None per tutte le teste. alt: la figura ferma, a parole.
    Errori: ValueError se pairs è vuoto, o se kind, layer, head o word non ci sono.
    """
    pairs = list(pairs)
    if not pairs:
        raise ValueError("pairs è vuoto: attesa almeno una coppia (frase, traduzione)")
    if kind not in KINDS:
        raise ValueError(f"kind vale «{kind}»: atteso uno fra {', '.join(KINDS)}")
    if not 0 <= layer < model.config.n_layers:
        raise ValueError(f"layer vale {layer}: atteso un intero da 0 a {model.config.n_layers - 1}")
    found = [word_attention(model, tokenizer, *pair) for pair in pairs]
    weights, queries, keys = found[0][kind]
    fig = attention_lines(weights[layer], queries, keys, None if head is None else [head], word)
    start = {"tipo": kind, "strato": layer, "testa": head, "parola": word}
    sentences = [{name: as_json(*panel) for name, panel in sentence.items()} for sentence in found]
    return view_of({"inizio": start, "frasi": sentences}, fig, alt, AttentionView.element)


def view_of(data, figure, alt, element):
    """La vista di un elemento: data diventa JSON, figure la sua figura ferma, che si chiude."""
    svg, pdf = io.BytesIO(), io.BytesIO()
    with plt.rc_context({"svg.hashsalt": "vista"}):  # gli stessi byte a ogni costruzione
        figure.savefig(svg, format="svg", metadata={"Date": None})
    figure.savefig(pdf, format="pdf", metadata={"CreationDate": None})
    plt.close(figure)
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    text = text.replace("</", "<\\/")  # «</script>» chiuderebbe l’elemento
    return AttentionView(text, svg.getvalue(), pdf.getvalue(), alt, element)


def as_json(weights, queries, keys):
    """Pesi in centesimi, strato per strato, testa per testa, riga per riga, senza gli zeri in fondo alle righe."""
    numbers = (weights * 100).round().int().tolist()
    for layer in numbers:
        for head in layer:
            for row in head:
                while row and row[-1] == 0:
                    row.pop()
    return {"chi": queries, "chiavi": keys, "pesi": numbers}
