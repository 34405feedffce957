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


class MovedModules(MetaPathFinder):
    """L’ultimo a cui Python chiede un modulo: di quelli spostati dice il posto nuovo, degli altri non sa nulla."""

    def find_spec(self, fullname, path=None, target=None):
        package, _, name = fullname.partition(".")
        if package == "attenzione" and name in MOVED:
            raise ModuleNotFoundError(f"{fullname} non c’è più: ora è {MOVED[name]}", name=fullname)
