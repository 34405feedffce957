"""Tre pagine costruite, ridotte all’osso: quanto basta per un indice."""


def pagina(corpo: str) -> str:
    return f'<html><body><article class="bd-article">{corpo}</article></body></html>'


PASSI = pagina(
    '<section id="passo-1"><h1>Passo 1<a class="headerlink" href="#passo-1">#</a></h1>'
    "<p>Il punteggio BLEU è 28,4, e la maschera qui non serve.</p></section>"
)
CAPITOLO = pagina(
    '<section id="attenzione"><h1>3.2 Attenzione</h1>'
    '<div class="blocco" id="s3-2-p1"><div class="lato lato-it"><p>Le teste lavorano in parallelo.</p></div>'
    '<div class="lato lato-en"><p>An attention function.</p></div></div>'
    '<div class="cell"><div class="cell_output"><pre>uscita777</pre></div></div>'
    '<section id="la-maschera"><h2>La maschera</h2><p>Con la maschera il futuro non si vede.</p></section></section>'
)
GLOSSARIO = pagina(
    '<section id="glossario"><h1>Glossario</h1><section id="termini"><h2>I termini</h2>'
    '<dl class="glossary"><dt id="term-maschera-causale">maschera causale</dt><dd><p class="voce-inglese">'
    '<em>causal mask</em></p><p class="definizione">Vieta a ogni posizione le successive.</p></dd></dl>'
    '<dl class="glossary"><dt id="term-multi">attenzione multi-testa</dt><dd><p class="definizione">Più attenzioni '
    "insieme.</p></dd></dl>"
    '<dl class="notazione"><dt id="simbolo-W-i-Q">W_i^Q</dt>'
    "<dd><ul><li><p>altrove <code>W_Q</code></p></li></ul></dd></dl>"
    "</section></section>"
)
