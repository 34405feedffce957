"""L’etichetta «misura»: la pagina avverte, il quaderno la conserva."""

from docutils import nodes
from docutils.utils import new_document

from lettore.pezzi.misura import AVVISO, AvvisoDiMisura
from lettore.uscite.quaderni.capitolo import quaderno


def cella(codice, *etichette):
    ingresso = nodes.container("", nodes.literal_block(codice, codice), classes=["cell_input"])
    return nodes.container("", ingresso, classes=["cell", *(f"tag_{e}" for e in etichette)])


def pagina():
    documento = new_document("prova")
    documento += [cella("a = 1"), cella("b = 2", "hide-input", "misura"), nodes.paragraph("", "testo")]
    return documento


def test_dopo_ogni_misura_e_solo_dopo_quelle_c_e_l_avviso():
    documento = pagina()
    AvvisoDiMisura(documento).apply()
    assert [nodo.astext() for nodo in documento.children] == ["a = 1", "b = 2", AVVISO, "testo"]
    assert documento[2]["classes"] == ["misura"]


def test_piu_misure_di_fila_un_avviso_solo():
    documento = new_document("prova")
    documento += [cella("a = 1", "misura"), cella("b = 2", "misura")]
    AvvisoDiMisura(documento).apply()
    assert [nodo.astext() for nodo in documento.children] == ["a = 1", "b = 2", AVVISO]


def test_il_quaderno_conserva_le_etichette():
    celle = quaderno(pagina(), deposito="").cells
    etichette = {c.source: c.metadata.get("tags", []) for c in celle if c.cell_type == "code"}
    assert etichette["a = 1"] == [] and etichette["b = 2"] == ["hide-input", "misura"]
