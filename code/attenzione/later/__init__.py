"""Dopo il 2017: un modulo per ogni meccanismo, sopra quelli dell’articolo e senza cambiarli.

``rotary`` (posizioni come rotazioni), ``alibi`` (posizioni tolte dai punteggi), ``normalization`` (RMSNorm), ``gated``
(SwiGLU), ``grouped`` (teste di query che condividono chiavi e valori), ``latent`` (un vettore solo per tutte le teste),
``sparse`` (schemi fissi), ``low_rank`` (chiavi e valori riassunti); ``language_model`` ne fa un decoder che continua un
testo. ``lengths`` e ``sharing`` sono prove registrate. ``masked`` riempie, ``spans`` trasforma, ``families`` li mette accanto a
chi continua; ``changes`` va dall’articolo a LLaMA in otto cambiamenti; ``induction`` cerca una testa e la spegne. ``ngrams`` è ciò con cui si confronta il modello che continua;
``continuing`` lo fa scrivere, ``scoring`` lo misura, ``card`` ne scrive la scheda.

Ciò che l’attenzione ha sostituito, e ciò che prova a sostituirla: ``recurrent`` (RNN, LSTM, GRU, l’attenzione additiva
sui loro stati), ``convolution`` (finestre, ByteNet, ConvS2S), ``messages`` (reti su grafi), ``scan`` (la ricorrenza
lineare, anche senza fila), ``linear_attention``, ``rwkv``, ``state_space`` (S4, Mamba); ``recall`` li mette tutti alla
stessa prova.
"""
