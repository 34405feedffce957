"""Dove stanno, dalla versione 2.0.0, i moduli che nella 1 stavano tutti in fila: lo dice l’errore di chi li importa."""

from importlib.abc import MetaPathFinder

MOVED = {
    "benchmark": "attenzione.measure.benchmark",
    "card": "attenzione.translator.card",
    "complexity": "attenzione.evidence.complexity",
    "evaluation": "attenzione.translator.evaluation",
    "heads": "attenzione.evidence.heads",
    "lstm": "attenzione.translator.lstm",
    "packaging": "attenzione.translator.packaging",
    "pretrained": "attenzione.translator.pretrained",
    "relations": "attenzione.evidence.relations",
    "replica": "attenzione.evidence.replica",
    "roofline": "attenzione.measure.roofline",
    "tables": "attenzione.evidence.tables",
    "timing": "attenzione.measure.timing",
    "trees": "attenzione.evidence.trees",
    "viewer": "attenzione.figures.viewer (la vista) e attenzione.evidence.words (i pesi parola per parola)",
}


def where_now(name):
    """Errore per chi cerca nel pacchetto un modulo spostato, col posto nuovo; degli altri nomi non sa nulla."""
    if name in MOVED:
        raise ModuleNotFoundError(f"attenzione.{name} non c’è più: ora è {MOVED[name]}", name=f"attenzione.{name}")


class MovedModules(MetaPathFinder):
    """L’ultimo a cui Python chiede un modulo: «import attenzione.heads»."""

    def find_spec(self, fullname, path=None, target=None):
        package, _, name = fullname.partition(".")
        if package == "attenzione":
            where_now(name)
