"""Chi ha conservato l’indirizzo di un capitolo che ha cambiato posto arriva a quello nuovo."""

from io import StringIO
from pathlib import Path

from bs4 import BeautifulSoup
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils

from lettore.uscite.pagina.sito import SPOSTATE

RADICE = Path(__file__).resolve().parents[3]


def test_i_vecchi_indirizzi_rimandano_a_capitoli_che_ci_sono():
    indice = (RADICE / "_toc.yml").read_text(encoding="utf-8")
    for vecchia, nuova in SPOSTATE.items():
        assert (RADICE / f"{nuova}.md").is_file() and f"file: {nuova}\n" in indice
        assert not (RADICE / f"{vecchia}.md").exists()


def test_un_vecchio_indirizzo_porta_al_nuovo_e_al_suo_punto(tmp_path):
    vecchia, nuova = next(iter(SPOSTATE.items()))
    (tmp_path / nuova).parent.mkdir(parents=True)
    (tmp_path / f"{nuova}.md").write_text("# Una pagina\n", encoding="utf-8")
    (tmp_path / "index.md").write_text(f"# Prova\n\n```{{toctree}}\n{nuova}\n```\n", encoding="utf-8")
    impostazioni = {
        "extensions": [
            "myst_parser",
            "lettore.ambiente",
            "lettore.uscite.pagina.colonna",
            "lettore.uscite.pagina.sito",
        ],
        "templates_path": [str(RADICE / "assets/modelli")],
        "html_theme": "sphinx_book_theme",
    }
    avvisi, uscita = StringIO(), tmp_path / "_build"
    with patch_docutils(), docutils_namespace():
        Sphinx(tmp_path, None, uscita, uscita / "doctrees", "html", impostazioni, status=None, warning=avvisi).build()
    file = uscita / f"{vecchia}.html"
    pagina = BeautifulSoup(file.read_text(encoding="utf-8"), "html.parser")
    indirizzi = {pagina.a["href"], pagina.select_one("meta[http-equiv=refresh]")["content"].partition("url=")[2]}
    (arrivo,) = indirizzi
    assert (file.parent / arrivo).resolve() == (uscita / f"{nuova}.html").resolve()
    assert f'"{arrivo}" + location.search + location.hash' in pagina.script.get_text()
