"""Esporta tutte le figure del libro, in SVG e in PDF: python -m attenzione.figures [cartella]."""

import os
import sys
from functools import cache, partial
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
from tqdm import tqdm

from attenzione import figures
from attenzione.figures.trained import examples, small_translator
from attenzione.files import replacing
from attenzione.streams import as_command

FOLDER = Path("_build", "figure")
translator = cache(small_translator)

# tutte le figure: il nome del file e la funzione che, senza argomenti, rende la figura
FIGURES = {
    "figura-1": figures.transformer_diagram,
    "figura-2": figures.multi_head_figure,
    "figura-2-una-testa": figures.scaled_dot_product_diagram,
    "figura-3": lambda: examples(*translator())[0],
    "figura-4": lambda: examples(*translator())[1],
    "figura-5": lambda: examples(*translator())[2],
    "adattare": figures.adapting_figure,
    "attenzione-linee": figures.attention_lines,
    "attenzione-linee-due-disegni": figures.attention_panels,
    "attenzione-mappa": figures.attention_map,
    "beam-albero": figures.beam_tree,
    "beam-ampiezza": figures.width_figure,
    "calcolo-alla-prova": figures.spending_figure,
    "codifica-posizionale-mappa": figures.position_map,
    "codifica-posizionale-onde": figures.position_waves,
    "codifica-posizionale-lunghezze-d-onda": figures.wavelengths,
    "codifica-posizionale-prodotti": figures.position_products,
    "complessita-operazioni": figures.layer_costs,
    "complessita-cammini": figures.longest_paths,
    "diffusione-passi": figures.denoising_figure,
    "distribuzione-di-un-passo": figures.next_token_figure,
    "curva-di-addestramento": figures.learning_curve,
    "come-imparano-fotogrammi": figures.learning_frames,
    "come-imparano-separazione": figures.separation_figure,
    "correzione-ragnatela": figures.cobweb_figure,
    "correzione-valle-e-rumore": figures.valley_figure,
    "esperti-carico": figures.load_figure,
    "gradiente-e-profondita": figures.gradient_figure,
    "giochi-mappa": figures.letter_map,
    "giochi-parentesi": figures.depth_figure,
    "iperpiani": figures.neighbours_figure,
    "label-smoothing": figures.smoothing_figure,
    "lunghezze": figures.lengths_figure,
    "lunghezze-posizioni": figures.position_weights_figure,
    "passo-1-tensori": figures.tensor_axes,
    "passo-2-prodotti": figures.score_map,
    "passo-3-prodotti-a-caso": figures.product_spread,
    "passo-4-softmax": figures.softmax_steps,
    "passo-5-somma-pesata": figures.weighted_sum_figure,
    "passo-6-peso-ed-effetto": figures.weights_and_effects,
    "passo-giro-di-una-parola": figures.round_trip_figure,
    "otto-cambiamenti": figures.changes_figure,
    "premio-e-distanza": figures.reward_figure,
    "ricordare": figures.recall_figure,
    "scala": figures.ladder_figure,
    "scala-esami": figures.exam_figure,
    "schemi-sparsi": figures.sparse_figure,
    "tre-famiglie": figures.sight_figure,
    "saturazione-della-softmax": figures.saturation_figure,
    "tasso-di-apprendimento": figures.schedule_figure,
    "tessere": figures.tiles_figure,
    "tetto-della-macchina": figures.roofline_figure,
    "valori-iniziali": figures.initialisation_figure,
    "varianti-in-scala": figures.replay_figure,
}


def export(folder=FOLDER, names=None):
    """Scrive le figure di nome names (tutte se None) in folder, ciascuna in SVG e in PDF; rende i file scritti."""
    figures.use_style()
    written = []
    bar = tqdm(FIGURES if names is None else names, desc="figure", unit="figura")
    for name in bar:
        bar.set_postfix_str(name)
        fig = FIGURES[name]()
        for kind, date in (("svg", "Date"), ("pdf", "CreationDate")):
            path = Path(folder, f"{name}.{kind}")
            with replacing(path) as partial:
                fig.savefig(partial, format=kind, metadata={date: None})  # niente data: file uguali byte per byte
            written.append(path)
        plt.close(fig)
    return written


def main(arguments):
    matplotlib.use("Agg")
    os.environ.setdefault("SOURCE_DATE_EPOCH", "0")
    folder = Path(arguments[0]) if arguments else FOLDER
    written = export(folder)
    for path in written:
        print(f"{path}  ({path.stat().st_size / 1024:.0f} KiB)")
    print(f"{len(FIGURES)} figure, in SVG e in PDF, nella cartella {folder}")


if __name__ == "__main__":
    sys.exit(as_command(partial(main, sys.argv[1:])))
