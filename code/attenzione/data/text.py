"""Un testo da file: righe pulite, senza doppioni, in blocchi di righe vicine divisi in tre parti per regola.

Una riga vuota separa due documenti. Un blocco è un elenco di righe dello stesso documento, e sta tutto da una parte:
così chi predice la prova non ne ha letto le righe accanto.
"""

from attenzione.data.corpus import PARTS, clean, part_of, read_lines


def split_text(paths, block_lines=50, dev_per_mille=40, test_per_mille=40):
    """Legge i file di paths, toglie le righe ripetute e divide i blocchi. Rende (parti, conti), due dizionari.

    block_lines: le righe di un blocco, al più; la parte di un blocco la decide part_of, dalle sue righe. Di una riga
    che compare più volte, anche in file diversi, resta la prima: nessuna sta da due parti. parti: per ciascuno di PARTS
    l’elenco dei blocchi, nell’ordine dei file; conti: quante righe sono entrate, uscite e perché.
    Errori: quelli di read_lines; ValueError se una parte resta vuota.
    """
    parts = {name: [] for name in PARTS}
    counts = {"lette": 0, "vuote": 0, "doppioni": 0}
    seen, block = set(), []

    def close():
        if block:
            parts[part_of("\n".join(block), dev_per_mille, test_per_mille)].append(list(block))
            block.clear()

    for path in paths:
        for line in read_lines(path):
            counts["lette"] += 1
            text = clean(line)
            if not line.strip():
                close()
            if not text:
                counts["vuote"] += 1
            elif text in seen:
                counts["doppioni"] += 1
            else:
                seen.add(text)
                block.append(text)
                if len(block) == block_lines:
                    close()
        close()
    for name, part in parts.items():
        if not part:
            raise ValueError(f"la parte «{name}» è vuota: le {counts['lette']} righe sono troppo poche da dividere")
    lines = {name: sum(map(len, part)) for name, part in parts.items()}
    words = sum(len(line.split()) for block in parts["addestramento"] for line in block)
    return parts, counts | lines | {"parole_di_addestramento": words}
