"""I pezzi dell’apparato, uno per direttiva o ruolo: ciò che si legge nei capitoli e ciò che ne resta nell’albero.

Come si scrivono nella pagina, sulla carta, nei quaderni lo dicono le uscite. Un pezzo importa soltanto quelli prima.
"""

from . import (
    affermazione,
    bibliografia,
    blocco,
    capitoli,
    copertura,
    esercizio,
    esperimento,
    glossa,
    intreccio,
    luoghi,
    misura,
    notazione,
    note,
    originale,
    registro,
    rimandi,
    solo_en,
    tappa,
    tempo,
    voce,
)

MODULI = (
    luoghi,
    originale,
    rimandi,
    glossa,
    blocco,
    copertura,
    note,
    tappa,
    tempo,
    capitoli,
    solo_en,
    misura,
    esercizio,
    esperimento,
    affermazione,
    registro,
    notazione,
    voce,
    bibliografia,
    intreccio,
)
