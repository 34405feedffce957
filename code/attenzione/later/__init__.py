"""Dopo il 2017: un modulo per ogni meccanismo, sopra quelli dell’articolo e senza cambiarli.

``rotary`` (posizioni come rotazioni), ``alibi`` (posizioni tolte dai punteggi), ``normalization`` (RMSNorm), ``gated``
(SwiGLU), ``grouped`` (teste di query che condividono chiavi e valori), ``latent`` (un vettore solo per tutte le teste),
``sparse`` (schemi fissi), ``low_rank`` (chiavi e valori riassunti); ``language_model`` ne fa un decoder che continua un
testo. ``lengths`` e ``sharing`` sono prove registrate. ``ngrams`` è ciò con cui si confronta il modello che continua;
``continuing`` lo fa scrivere, ``scoring`` lo misura, ``card`` ne scrive la scheda.
"""
