"""Il film di una testa che impara: si ripete uguale, impara, si disegna e si legge."""

import json
import re

import matplotlib
import pytest
import torch

from attenzione.data.example import W_k, W_q
from attenzione.figures import learn_previous, learning_film, learning_frames, separation_figure

pytestmark = pytest.mark.usefixtures("book_style")


@pytest.fixture(scope="module")
def frames():
    return learn_previous()


def test_parte_da_matrici_uguali_che_si_separano(frames):
    assert torch.equal(frames[0].W_q, frames[0].W_k) and frames[0].accuracy < 0.4
    assert not torch.allclose(frames[1].W_q, frames[1].W_k, atol=1e-3)
    assert frames[-1].accuracy > 0.98


def test_la_mappa_diventa_quella_della_parola_precedente(frames):
    assert frames[0].weights.argmax(dim=-1).tolist() == [0, 1, 2, 3, 4]
    assert frames[-1].weights.argmax(dim=-1).tolist() == [4, 0, 1, 2, 3]


def test_si_ripete_uguale_e_dipende_dalla_partenza(frames):
    again, other = learn_previous(steps=5), learn_previous(W_q[0], W_k[0], steps=5)
    assert torch.equal(again[5].W_q, frames[5].W_q) and not torch.equal(other[5].W_k, frames[5].W_k)


def test_matrici_di_forma_sbagliata():
    with pytest.raises(ValueError, match=r"W_k ha forma \(4, 8\): attesa \(8, 4\)"):
        learn_previous(W_q[0], W_k[0].T)


def test_i_fotogrammi_sono_quelli_chiesti(frames):
    fig = learning_frames(frames, steps=(0, 100))
    assert [ax.get_title() for ax in fig.axes if ax.get_title()] == ["passo 0", "passo 100"]
    images = [ax.collections[0].get_array() for ax in fig.axes[:6]]
    assert (images[0] == images[2]).all() and not (images[1] == images[3]).all()
    with pytest.raises(ValueError, match=r"steps contiene \[7000\]"):
        learning_frames(frames, steps=(0, 7000))


def test_le_curve_partono_da_uno(frames):
    (ax,) = separation_figure(frames).axes
    cosine, accuracy = (line.get_ydata() for line in ax.lines)
    assert cosine[0] == pytest.approx(1) and min(cosine) < 0.7 and accuracy[-1] == frames[-1].accuracy


def test_testo_mai_sotto_12_punti(frames):
    for fig in (learning_frames(frames), separation_figure(frames)):
        fig.draw_without_rendering()
        assert min(t.get_fontsize() for t in fig.findobj(matplotlib.text.Text) if t.get_text()) >= 12


def test_il_film_ha_un_fotogramma_ogni_tanti_passi(frames):
    page = learning_film(frames, every=50, name="prova")
    film = json.loads(re.search(r"const film = (\{.*\});", page)[1])
    assert len(film["states"]) == len(film["captions"]) == 5 and 'max="4"' in page
    assert [len(state) for state in film["states"][0]] == [32, 32, 25] and page.count("<rect") == 89
    assert film["states"][0][0] == film["states"][0][1] != film["states"][1][0]


def test_il_film_si_ferma_non_parte_da_solo_e_non_chiama_nessuno(frames):
    page = learning_film(frames)
    assert "prefers-reduced-motion" in page and "Pausa" in page and "http" not in page
    assert len(page.encode()) < 30_000
