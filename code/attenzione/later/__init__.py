"""Dopo il 2017: un modulo per ogni meccanismo, sopra quelli dell’articolo e senza cambiarli.

``rotary`` (posizioni come rotazioni), ``alibi`` (posizioni tolte dai punteggi), ``normalization`` (RMSNorm), ``gated``
(SwiGLU), ``grouped`` (teste di query che condividono chiavi e valori), ``latent`` (un vettore solo per tutte le teste),
``sparse`` (schemi fissi), ``low_rank`` (chiavi e valori riassunti); ``language_model`` ne fa un decoder che continua un
testo. ``ngrams`` è ciò con cui si confronta; ``continuing`` lo fa scrivere, ``scoring`` lo misura, ``card`` ne scrive
la scheda. ``masked`` riempie, ``spans`` toglie pezzi da riscrivere, ``families`` li mette accanto a chi
continua; ``induction`` cerca una testa e la spegne. ``lengths``, ``sharing`` e ``changes`` (dall’articolo a LLaMA in
otto cambiamenti) sono prove registrate.

Adattare un modello già addestrato: ``lora`` (una correzione di rango basso), ``adapters`` (piccole reti fra i
sottostrati), ``chat`` (ruoli, turni e dove si conta la perdita), ``four_bits`` e ``gptq`` (meno bit), ``distillation``
(un allievo e un maestro); ``adapting`` è la prova registrata.

Portarlo dove qualcuno preferisce: ``answers`` (le risposte, la loro probabilità, quanto ci si è spostati),
``preferences`` (dai confronti a un premio), ``best_of`` (il migliore di N), ``policy`` (REINFORCE, PPO, GRPO), ``dpo``
(dai confronti ai pesi).

Ciò che l’attenzione ha sostituito, e ciò che prova a sostituirla: ``recurrent`` (RNN, LSTM, GRU, l’attenzione additiva
sui loro stati), ``convolution`` (finestre, ByteNet, ConvS2S), ``messages`` (reti su grafi), ``scan`` (la ricorrenza
lineare, anche senza fila), ``linear_attention``, ``rwkv``, ``state_space`` (S4, Mamba); ``recall`` li mette tutti alla
stessa prova.

Strati di cui lavora una parte, e sequenze che non sono di parole: ``experts`` (più reti e un router), ``patches``
(un’immagine come tessere), ``one_sequence`` (tessere e parole in fila), ``denoising`` (dal rumore ai punti);
``drawings`` fa i disegni, ``fitting`` addestra, ``routing`` è una prova registrata.

``scaling`` adatta una legge di scala, con la sua incertezza; ``ladder`` è la prova registrata che le dà i numeri.

Usare un modello a pesi fermi: ``retrieval`` (cercare in una raccolta, qui il libro), ``steps`` (scrivere i passi),
``voting`` (la maggioranza), ``tree`` (l’albero dei pensieri), ``agent`` (il ciclo con gli strumenti), ``judging`` (un
giudice e i suoi vizi), ``rouge``.

``recording`` è ciò che le prove registrate hanno in comune: l’intestazione dei numeri, come si rileggono, il comando.
"""
