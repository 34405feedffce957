"""La strada dal 2017 a una chat: ogni tappa porta a una cella, o dice chi si cita."""

import re
from pathlib import Path

RADICE = Path(__file__).resolve().parents[2]
PAGINA = RADICE / "chapters/dopo/una-chat.md"


def celle() -> dict[str, str]:
    """Il nome di ogni cella che ne ha uno → il suo capitolo."""
    return {
        nome: capitolo.stem
        for capitolo in (RADICE / "chapters").rglob("*.md")
        for nome in re.findall(r"^\(([\w-]+)\)=\n+```\{code-cell\}", capitolo.read_text(encoding="utf-8"), re.M)
    }


def tappe() -> list[tuple[str, str | None, str]]:
    """Di ogni tappa: titolo, cella a cui porta se si esegue, e ciò che se ne dice."""
    strada = re.search(r"^\{\.strada\}\n(.*?)^## ", PAGINA.read_text(encoding="utf-8"), re.M | re.S)[1]
    trovate = re.findall(r"^ *- \*\*(.+?)\*\*(.*?)(?=^ *- \*\*|\Z)", strada, re.M | re.S)
    return [(titolo, m[1] if (m := re.search(r"<([\w-]+)>", titolo)) else None, corpo) for titolo, corpo in trovate]


def test_ogni_tappa_che_si_esegue_porta_a_una_cella():
    eseguite = [cella for _, cella, _ in tappe() if cella]
    assert len(eseguite) >= 15 and [cella for cella in eseguite if cella not in celle()] == []


def test_le_altre_dicono_chi_si_cita():
    senza_fonte = [titolo for titolo, cella, corpo in tappe() if not cella and "{cite}" not in corpo]
    assert senza_fonte == ["Una chat"]


def test_la_strada_passa_da_ogni_capitolo():
    dove = celle()
    toccati = {dove[cella] for _, _, corpo in tappe() for cella in re.findall(r"<([\w-]+)>", corpo)}
    toccati |= {dove[cella] for _, cella, _ in tappe() if cella}
    capitoli = {capitolo.stem for capitolo in (RADICE / "chapters/dopo").glob("*.md")} - {PAGINA.stem}
    assert capitoli - toccati == set()
