"""Dopo il 2017: un modulo per ogni meccanismo, sopra quelli dell’articolo e senza cambiarli.

``rotary`` (posizioni come rotazioni), ``alibi`` (posizioni tolte dai punteggi), ``normalization`` (RMSNorm), ``gated``
(SwiGLU), ``grouped`` (teste di query che condividono chiavi e valori), ``latent`` (un vettore solo per tutte le teste),
``sparse`` (schemi fissi), ``low_rank`` (chiavi e valori riassunti); ``language_model`` ne fa un decoder che continua un
testo. ``lengths`` e ``sharing`` sono prove registrate. ``ngrams`` è ciò con cui si confronta il modello che continua;
``continuing`` lo fa scrivere, ``scoring`` lo misura, ``card`` ne scrive la scheda.

Adattare un modello già addestrato: ``lora`` (una correzione di rango basso), ``adapters`` (piccole reti fra i
sottostrati), ``chat`` (ruoli, turni e dove si conta la perdita), ``four_bits`` e ``gptq`` (meno bit), ``distillation``
(un allievo e un maestro); ``adapting`` è la prova registrata.

Ciò che l’attenzione ha sostituito, e ciò che prova a sostituirla: ``recurrent`` (RNN, LSTM, GRU, l’attenzione additiva
sui loro stati), ``convolution`` (finestre, ByteNet, ConvS2S), ``messages`` (reti su grafi), ``scan`` (la ricorrenza
lineare, anche senza fila), ``linear_attention``, ``rwkv``, ``state_space`` (S4, Mamba); ``recall`` li mette tutti alla
stessa prova.
"""
