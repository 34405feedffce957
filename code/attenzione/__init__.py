"""Il Transformer di «Attention Is All You Need» (2017), con i nomi dell’articolo.

L’articolo, sezione per sezione:

- §3.1 ``layers`` (somma e normalizzazione, i due tipi di strato), ``model`` (le pile, il modello intero)
- §3.2 ``attention`` (equazione 1, attenzione multi-testa, maschere, attenzione additiva)
- §3.3 ``feedforward``
- §3.4 e §3.5 ``embedding`` (embedding condivisi, codifica posizionale)
- §5.1 ``data`` (corpora, token, microlingua, giochi)
- §5 ``training`` (batch, tasso di apprendimento, label smoothing, ciclo, checkpoint)
- §6.1 ``decoding`` (greedy, beam search, campionamento, con la cache)
- tabella 3 ``config`` (le grandezze di ogni modello; i numeri delle tabelle 1–4 sono in ``tabelle.yml``)

Intorno: ``device`` sceglie CPU o GPU; ``stepping`` è la via svelta della generazione, ``quantization`` porta i pesi a
8 bit; ``italian`` scrive i numeri e ``files`` i file, ``streams`` tiene i tre flussi e legge le righe; ``evidence`` è
ciò con cui si decidono le affermazioni (costi, tabelle, repliche, teste); ``translator`` è il modello che viaggia col
libro; ``measure`` misura i tempi; ``later`` tiene i meccanismi venuti dopo il 2017, e il modello che continua un testo;
``figures`` disegna. ``python -m attenzione`` addestra, traduce, continua, valuta.

Si importa solo verso il basso: figures → translator, measure, later → evidence → training → data → i moduli
dell’articolo.
"""

import sys

from attenzione.moved import MovedModules, where_now

sys.meta_path.append(MovedModules())


def __getattr__(name):
    """«from attenzione import heads»: se il modulo è stato spostato, l’errore dice dove."""
    where_now(name)
    raise AttributeError(f"attenzione non ha «{name}»")
