"""I guasti da piantare in una copia della libreria, e quali affermazioni diventano rosse per ciascuno.

Si esegue come programma: importa PyTorch una volta sola, poi un processo figlio per guasto copia il pacchetto,
ne cambia il sorgente ed esegue, con ciò che l’articolo afferma, le prove delle affermazioni attese in ``ROSSE``;
con l’argomento «tutte», ogni prova svelta. Scrive guasto → affermazioni rosse, in JSON.
"""

import contextlib
import functools
import io
import json
import multiprocessing
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

from lettore.affermazioni import leggi_prove

RADICE = Path(__file__).resolve().parents[2]
LIBRERIA = RADICE / "code" / "attenzione"

# guasto → (file, prima, dopo), uno o più scambi
GUASTI = {
    "scala √d_k tolta": [
        ("attention.py", "scale = 1 / math.sqrt(Q.size(-1)) if scale is None", "scale = 1.0 if scale is None"),
        ("attention.py", "is_causal=is_causal, scale=scale", "is_causal=is_causal, scale=1.0"),
    ],
    "pre-norm al posto di post-norm": [("layers.py", "if self.norm_first:", "if not self.norm_first:")],
    "seno e coseno scambiati": [
        ("embedding.py", "torch.stack([angles.sin(), angles.cos()]", "torch.stack([angles.cos(), angles.sin()]"),
    ],
    "embedding non condivisi": [
        (
            "embedding.py",
            "math.sqrt(d_model))\n\n    def forward(self, tokens)",
            "math.sqrt(d_model))\n        self.U = nn.Parameter(torch.randn(n_vocab, d_model) / math.sqrt(d_model))\n"
            "\n    def forward(self, tokens)",
        ),
        ("embedding.py", "x @ self.E.T", "x @ self.U.T"),
    ],
    "esponente del warmup sbagliato": [("training/schedule.py", "warmup_steps**-1.5", "warmup_steps**-1.0")],
    "maschera causale spostata di uno": [
        ("attention.py", ".tril(n_k - n_q)", ".tril(n_k - n_q + 1)"),
        (
            "attention.py",
            "if is_causal and (cache is not None or z is not None or mask is not None or need_weights):",
            "if is_causal:",
        ),
    ],
    "ε del label smoothing sbagliato": [("training/loss.py", "targets, eps_ls=0.1", "targets, eps_ls=0.2")],
    "label smoothing spartito male": [
        ("training/loss.py", "label_smoothing=eps_ls", "label_smoothing=eps_ls / 2"),
    ],
    "ε della layer normalization sbagliato": [
        ("layers.py", "nn.LayerNorm(config.d_model)", "nn.LayerNorm(config.d_model, eps=1e-3)"),
    ],
    "ε di Adam sbagliato": [("training/schedule.py", "eps=1e-9", "eps=1e-6")],
    "β_2 di Adam sbagliato": [("training/schedule.py", "0.98)", "0.999)")],
    "√d_model tolto dall’embedding": [("embedding.py", " * math.sqrt(self.E.size(1))", "")],
    "base 1000 nelle posizioni": [("embedding.py", "pos / 10000**", "pos / 1000**")],
    "GELU al posto di ReLU": [
        (
            "feedforward.py",
            "torch.addmm(self.b_1, rows, self.W_1).relu_()",
            "nn.functional.gelu(torch.addmm(self.b_1, rows, self.W_1))",
        ),
    ],
    "bias nelle proiezioni": [
        (
            "attention.py",
            "        for W in (*self.W_qkv",
            "        self.b_o = nn.Parameter(torch.randn(d_model))\n        for W in (*self.W_qkv",
        ),
        ("attention.py", ".flatten(2) @ self.W_o", ".flatten(2) @ self.W_o + self.b_o"),
    ],
    "α della penalità di lunghezza sbagliato": [("decoding.py", "beam=4, alpha=0.6", "beam=4, alpha=1.0")],
    "beam di un’altra ampiezza": [("decoding.py", "beam=4, alpha=0.6", "beam=5, alpha=0.6")],
    "limite alla lunghezza sbagliato": [
        ("decoding.py", "def greedy(model, src, max_extra=50", "def greedy(model, src, max_extra=300"),
    ],
    "dropout anche sui pesi di attenzione": [("config.py", "p_attention: float = 0.0", "p_attention: float = 0.1")],
    "normalizzazione in più in cima alle pile": [
        ("config.py", "final_norm: bool = False", "final_norm: bool = True"),
    ],
}


# guasto → affermazioni che devono diventare rosse
ROSSE = {
    "scala √d_k tolta": ["equazione-1", "equazione-multi-testa", "query-dal-decoder-memoria-dall-encoder"],
    "pre-norm al posto di post-norm": ["figura-1-somma-poi-norma", "dropout-prima-della-somma", "post-norm"],
    "seno e coseno scambiati": ["formule-della-codifica"],
    "embedding non condivisi": ["una-matrice-per-tre-usi"],
    "esponente del warmup sbagliato": ["formula-del-tasso", "massimo-al-passo-4000"],
    "maschera causale spostata di uno": ["fino-a-se-compresa", "proprieta-autoregressiva"],
    "ε del label smoothing sbagliato": ["label-smoothing-0-1"],
    "label smoothing spartito male": ["label-smoothing-0-1"],
    "ε della layer normalization sbagliato": ["post-norm"],
    "ε di Adam sbagliato": ["costanti-di-adam"],
    "β_2 di Adam sbagliato": ["costanti-di-adam"],
    "√d_model tolto dall’embedding": ["radice-di-dmodel"],
    "base 1000 nelle posizioni": ["formule-della-codifica"],
    "GELU al posto di ReLU": ["ffn-equazione", "ffn-due-convoluzioni"],
    "bias nelle proiezioni": ["equazione-multi-testa"],
    "α della penalità di lunghezza sbagliato": ["penalita-di-lunghezza"],
    "beam di un’altra ampiezza": ["penalita-di-lunghezza"],
    "limite alla lunghezza sbagliato": ["lunghezza-massima-piu-cinquanta"],
    "dropout anche sui pesi di attenzione": ["tre-tipi-di-regolarizzazione"],
    "normalizzazione in più in cima alle pile": ["tutte-le-uscite-512"],
}


def guasta(scambi, dove):
    """Una copia della libreria in ``dove``, con gli scambi fatti."""
    shutil.copytree(LIBRERIA, dove / "attenzione", ignore=shutil.ignore_patterns("__pycache__"))
    for nome, prima, dopo in scambi:
        file = dove / "attenzione" / nome
        testo = file.read_text(encoding="utf-8")
        if testo.count(prima) != 1:
            raise ValueError(f"in {nome} «{prima}» compare {testo.count(prima)} volte: il guasto non si pianta")
        file.write_text(testo.replace(prima, dopo), encoding="utf-8")


class Raccolta:
    """Tiene le prove delle affermazioni chieste, con ciò che l’articolo afferma, e segna le rosse."""

    def __init__(self, chieste=None):
        self.chieste, self.rosse = chieste, set()

    def pytest_collection_modifyitems(self, items):
        items[:] = [voce for voce in items if self.serve(voce)]

    def serve(self, voce):
        ident = getattr(voce.function, "affermazione", None)
        if ident is None or "vero" not in voce.callspec.id.split("-"):
            return False
        return not voce.get_closest_marker("lento") if self.chieste is None else ident in self.chieste

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item, call):
        rapporto = yield
        if rapporto.failed:
            self.rosse.add(item.function.affermazione)
        return rapporto


def prova(nome, tutte=False):
    """Nel processo figlio: pianta il guasto ed esegue le prove. Rende (guasto, affermazioni rosse)."""
    prove = leggi_prove(RADICE)
    chieste = prove.keys() if tutte else ROSSE[nome]
    file = sorted({str(RADICE / p.luogo.split("::")[0]) for ident in chieste for p in prove[ident]})
    with tempfile.TemporaryDirectory() as cartella:
        guasta(GUASTI[nome], Path(cartella))
        sys.path.insert(0, cartella)
        raccolta, detto = Raccolta(None if tutte else chieste), io.StringIO()
        with contextlib.redirect_stdout(detto):
            stato = pytest.main(["-qq", "--no-header", "--tb=no", "-p", "no:cacheprovider", *file], plugins=[raccolta])
        import attenzione

        assert attenzione.__file__.startswith(cartella), "le prove non hanno visto la libreria guasta"
    if stato not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        raise RuntimeError(f"«{nome}»: le prove non si sono eseguite\n{detto.getvalue()[-3000:]}")
    return nome, sorted(raccolta.rosse)


def main():
    import matplotlib.pyplot  # noqa: F401
    import sympy  # noqa: F401
    import torch  # noqa: F401

    esegui = functools.partial(prova, tutte="tutte" in sys.argv)
    with multiprocessing.get_context("fork").Pool(2, maxtasksperchild=1) as figli:
        esito = dict(figli.imap(esegui, GUASTI, chunksize=1))
    print(json.dumps(esito, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
