"""La configurazione del modello e le righe della Tabella 3, §6.2."""

import math
from dataclasses import dataclass
from importlib.resources import files
from numbers import Real

import yaml

POSITIONS = ("sinusoidal", "tensor2tensor", "learned", "none")


@dataclass(frozen=True)
class TransformerConfig:
    """Le grandezze del modello, con i nomi dell’articolo; i valori predefiniti sono quelli del modello base.

    d_k, d_v: se non sono dati, d_model / n_heads. max_len: la sequenza più lunga che il modello accetta, in
    token. init_gain: per quanto si moltiplicano le matrici che l’inizializzazione di Xavier estrae, di cui l’articolo
    non dice nulla: con 1 restano come sono; con 0,5 i rami dei sottostrati partono più piccoli, e un modello di 3 + 3
    strati di 256 ha imparato prima (lo misura attenzione.evidence.initialisation). Le ultime quattro
    voci sono le differenze del codice venuto dopo: norm_first normalizza l’ingresso di ogni sottostrato invece
    dell’uscita; final_norm aggiunge una normalizzazione in cima a ogni pila; p_attention è il dropout sui pesi di
    attenzione; positions sceglie la codifica posizionale.
    Errori: ValueError che nomina la voce, il valore e che cosa era atteso.
    """

    n_vocab: int = 37000
    n_layers: int = 6
    d_model: int = 512
    d_ff: int = 2048
    n_heads: int = 8
    d_k: int | None = None
    d_v: int | None = None
    p_drop: float = 0.1
    eps_ls: float = 0.1
    max_len: int = 1024
    pad_id: int = 0
    bos_id: int = 1
    eos_id: int = 2
    init_gain: float = 1.0
    norm_first: bool = False
    final_norm: bool = False
    p_attention: float = 0.0
    positions: str = "sinusoidal"

    def __post_init__(self):
        for name in ("n_vocab", "n_layers", "d_model", "d_ff", "n_heads", "max_len"):
            check_positive_integer(name, getattr(self, name))
        for name in ("d_k", "d_v"):
            if getattr(self, name) is None:
                if self.d_model % self.n_heads:
                    raise ValueError(
                        f"d_model vale {self.d_model}: atteso un multiplo di n_heads = {self.n_heads}, "
                        f"oppure {name} dato a parte"
                    )
                object.__setattr__(self, name, self.d_model // self.n_heads)
            check_positive_integer(name, getattr(self, name))
        for name in ("p_drop", "eps_ls", "p_attention"):
            check_fraction(name, getattr(self, name))
        for name in ("norm_first", "final_norm"):
            if not isinstance(getattr(self, name), bool):
                raise ValueError(f"{name} vale {getattr(self, name)}: atteso True o False")
        if isinstance(self.init_gain, bool) or not 0 < self.init_gain < math.inf:
            raise ValueError(f"init_gain vale {self.init_gain}: atteso un numero positivo")
        if self.positions not in POSITIONS:
            raise ValueError(f"positions vale «{self.positions}»: atteso uno fra {', '.join(POSITIONS)}")
        if self.positions in POSITIONS[:2] and self.d_model % 2:
            raise ValueError(f"d_model vale {self.d_model}: atteso pari, perché seni e coseni vanno a coppie")
        check_specials(self)


def check_positive_integer(name, value):
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name} vale {shown(value)}: atteso un intero positivo")


def check_fraction(name, value):
    if not isinstance(value, Real) or isinstance(value, bool) or not 0 <= value < 1:
        raise ValueError(f"{name} vale {shown(value)}: atteso un numero da 0 compreso a 1 escluso")


def check_specials(config):
    """Errore se i token speciali di una configurazione non sono tre identificatori diversi del suo vocabolario."""
    specials = (config.pad_id, config.bos_id, config.eos_id)
    integers = all(isinstance(token, int) and not isinstance(token, bool) for token in specials)
    if not integers or len(set(specials)) < 3 or not all(0 <= token < config.n_vocab for token in specials):
        raise ValueError(
            f"pad_id, bos_id, eos_id valgono {specials}: attesi tre interi diversi, da 0 a n_vocab − 1 = "
            f"{config.n_vocab - 1}"
        )


def shown(value):
    """Un valore come si mostra in un messaggio, su una riga: i testi fra virgolette, «0,3» non è un numero."""
    return f"«{' '.join(value.split())}»" if isinstance(value, str) else value


def load_tables():
    """I numeri delle Tabelle 1–4 dell’articolo: un dizionario da «tabella_1» a «tabella_4», righe in ordine."""
    return yaml.safe_load(files("attenzione").joinpath("tabelle.yml").read_text("utf-8"))


def config_of_row(row, base):
    """La configurazione di una riga della Tabella 3: dove la cella è vuota vale quella della riga base."""
    cells = base | row["celle"]
    return TransformerConfig(
        n_layers=cells["N"],
        d_model=cells["d_model"],
        d_ff=cells["d_ff"],
        n_heads=cells["h"],
        d_k=cells["d_k"],
        d_v=cells["d_v"],
        p_drop=cells["P_drop"],
        eps_ls=cells["eps_ls"],
        positions=row.get("posizioni", "sinusoidal"),
    )


def count_parameters(config):
    """Quanti parametri ha il modello, parte per parte; la voce «totale» è la somma delle altre.

    Un dizionario di interi, nell’ordine in cui l’articolo presenta le parti. L’embedding è contato una volta:
    è la stessa matrice per l’ingresso, l’uscita e la trasformazione prima della softmax (§3.4).
    """
    c = config
    attention = c.n_heads * c.d_model * (2 * c.d_k + 2 * c.d_v)  # W^Q, W^K, W^V e W^O, senza bias
    feed_forward = 2 * c.d_model * c.d_ff + c.d_ff + c.d_model  # W_1, W_2, b_1, b_2
    norm = 2 * c.d_model  # guadagno e bias
    parts = {
        "embedding": c.n_vocab * c.d_model,
        "posizioni": c.max_len * c.d_model if c.positions == "learned" else 0,
        "encoder: self-attention": c.n_layers * attention,
        "encoder: feed-forward": c.n_layers * feed_forward,
        "encoder: layer normalization": (2 * c.n_layers + c.final_norm) * norm,
        "decoder: self-attention": c.n_layers * attention,
        "decoder: attenzione encoder-decoder": c.n_layers * attention,
        "decoder: feed-forward": c.n_layers * feed_forward,
        "decoder: layer normalization": (3 * c.n_layers + c.final_norm) * norm,
    }
    return parts | {"totale": sum(parts.values())}


_rows = load_tables()["tabella_3"]
TABLE_3 = {row["nome"]: config_of_row(row, base=_rows[0]["celle"]) for row in _rows}
BASE, BIG = TABLE_3["base"], TABLE_3["big"]
