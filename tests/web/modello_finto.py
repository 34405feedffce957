"""Il traduttore della pagina sotto Node, con i pesi di una cartella; e un modello minuscolo, di numeri a caso."""

import json
import shutil
import subprocess
from pathlib import Path

import torch

from attenzione.config import TransformerConfig
from attenzione.files import write_text
from attenzione.model import Transformer
from attenzione.quantization import dequantized, quantized_state
from attenzione.training.checkpoint import save_checkpoint
from attenzione.translator.pretrained import TOKENIZER, WEIGHTS, load_translator, shipped_folder
from lettore.uscite.pagina import modello
from lettore.uscite.pagina.katex import trova_node

RADICE = Path(__file__).resolve().parents[2]
IN_NODE = Path(__file__).with_name("modello_in_node.js")


class Traduttore:
    """Lo stesso modello due volte: in PyTorch, coi pesi dequantizzati, e nei file che la pagina carica."""

    def __init__(self, cartella: Path, spedito: Path):
        self.cartella = cartella
        write_text(cartella / "modello.js", modello.fondi(RADICE / "web" / "modello"))
        for nome, testo in modello.programmi_dei_pesi(spedito).items():
            write_text(cartella / nome, testo)
        self.rete, self.tokenizer = load_translator(spedito)
        self.rete.load_state_dict(dequantized(quantized_state(self.rete)))

    def chiedi(self, richieste: list[dict]) -> list[dict]:
        """Le risposte, nell’ordine: {result, events} o {error}."""
        righe = "".join(json.dumps(richiesta) + "\n" for richiesta in richieste)
        comando = [trova_node(), str(IN_NODE), str(self.cartella)]
        esito = subprocess.run(comando, input=righe, capture_output=True, text=True)
        assert esito.returncode == 0, esito.stderr
        return [json.loads(riga) for riga in esito.stdout.splitlines()]

    def calcola(self, espressione: str, dati: object = None) -> object:
        """Il valore di un’espressione in cui ``A`` è ciò che il programma pubblica e ``x`` sono i dati."""
        return self.chiedi([{"eval": espressione, "x": dati}])[0]["result"]

    def sorgente(self, testo: str) -> torch.Tensor:
        return torch.tensor([self.tokenizer.encode(testo)])


def minuscolo(cartella: Path) -> Traduttore:
    """Un modello di due strati, con il tokenizer spedito e numeri a caso dappertutto, anche nelle normalizzazioni."""
    torch.manual_seed(0)
    rete = Transformer(TransformerConfig(n_vocab=5000, n_layers=2, d_model=32, d_ff=64, n_heads=4, max_len=64))
    with torch.no_grad():
        for nome, parametro in rete.named_parameters():
            if parametro.dim() == 1:
                parametro += 0.3 * torch.randn_like(parametro)
            elif "W_q" in nome:
                parametro *= 3  # attenzioni non piatte
    spedito = cartella / "spedito"
    spedito.mkdir()
    save_checkpoint(spedito / WEIGHTS, rete)
    shutil.copy(shipped_folder() / TOKENIZER, spedito)
    return Traduttore(cartella / "file", spedito)
