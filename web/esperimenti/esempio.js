// L’esempio del libro, gli stessi numeri di attenzione/data/example.py, e i conti dei passi dal 2 al 5: le matrici sono
// elenchi di righe.
(() => {
  const TOKEN = ["la", "gatta", "mangia", "il", "topo"];
  const E = [
    [-0.1, 0.1, -0.1, -0.2, 0.5, 1.2, -0.2, -0.2], [0.3, 0, 0.3, -0.3, 0, 0, 0.7, -0.3],
    [0.6, -0.1, 0.4, -0.1, -0.8, 0.3, -0.5, 0.5], [0.8, -0.2, -0.2, 0.1, 0.4, -0.4, -0.2, -0.2],
    [0.2, -0.2, 0.4, -0.5, 1.1, -0.3, -0.1, 0.2],
  ];
  const W_q = [
    [
      [0.1, 0.1, 0.1, 0.7], [0.3, 0.2, -0.5, -0.1], [-0.4, -0.4, -0.1, 0.4], [0.1, 0.5, 0.4, 0.5],
      [-0.4, 0.7, 0.3, -0.1], [0.2, -0.4, 0.1, -0.3], [-0.2, 0.6, -0.6, 0.7], [0, 0.1, 0.3, -0.2],
    ],
    [
      [0.2, 0.5, -0.3, -0.4], [0, 0.5, -0.2, 0], [0.9, 0.1, -0.4, 0.1], [0.1, 0.2, 0.6, 0.1],
      [-0.1, 0.7, 0.7, 0], [0.3, 0, -0.6, -0.7], [-0.5, -0.2, 0.3, 0.1], [-0.2, 0.2, 0.6, 0.1],
    ],
  ];
  const W_k = [
    [
      [-0.3, -0.1, 0.3, 0.5], [0.2, 0.6, 0.6, 0.5], [-0.3, -0.6, -0.5, -0.5], [-0.3, 0.5, -0.2, -0.2],
      [-0.5, 0.1, -0.2, 0.1], [0.5, -0.3, -0.1, 0.2], [-0.3, -0.2, -0.5, -0.1], [0.5, 0.6, -0.7, 0.3],
    ],
    [
      [0.4, -0.2, 0.3, -0.3], [-0.1, 0.8, 0.4, -0.7], [0.6, -0.7, -0.3, -0.3], [-0.1, -0.1, 0.1, -0.4],
      [-0.2, 0.3, 0.2, 0.3], [-0.3, 0.1, 0.5, -0.3], [0.8, 0, -0.6, 0.3], [-0.6, -0.1, -0.2, -0.5],
    ],
  ];
  const W_v = [
    [
      [-0.2, -0.7, 0.3], [0, -0.7, 0.2], [0, 0.4, 0.5], [0.2, -0.3, 0],
      [0.3, 0.1, -0.1], [0.1, -0.1, -0.4], [-0.1, 0.1, 0], [-0.6, 0, 0],
    ],
    [
      [-0.5, -0.1, -0.8], [-0.2, -0.5, 0.6], [-0.1, 0, 0.3], [0.3, -0.3, 0],
      [0.4, 0, -0.2], [0, 0.1, 0.2], [-0.4, -0.1, -0.5], [-0.3, 0.2, 0],
    ],
  ];
  const W_o = [
    [0.5, -0.4, 0.7, -0.3, -0.8, 0, 0.1, -1.1], [0.3, -0.2, 0, 0.4, -0.2, -0.3, 0.4, -0.1],
    [-0.3, -1.3, -0.8, 0.2, 0.1, -0.8, 0.5, -0.4], [-0.2, 0, 0.2, 0.4, 0, -0.9, 0.1, 0.2],
    [0.3, 0.1, -0.1, 0.2, -0.2, -0.2, 0.2, 0.6], [-0.4, 0, -0.1, -0.3, -0.6, -0.5, 0, -0.2],
  ];

  const trasposta = (A) => A[0].map((_, j) => A.map((riga) => riga[j]));
  const scalare = (a, b) => a.reduce((somma, x, l) => somma + x * b[l], 0);
  const prodotto = (A, B) => A.map((riga) => trasposta(B).map((colonna) => scalare(riga, colonna)));

  // La codifica posizionale, §3.5: seno nelle componenti pari, coseno nelle dispari.
  const posizione = (pos, d_model) => Array.from({ length: d_model }, (_, j) => {
    const angolo = pos / 10000 ** (2 * Math.floor(j / 2) / d_model);
    return j % 2 ? Math.cos(angolo) : Math.sin(angolo);
  });

  // Togliere il massimo non cambia i pesi, e nessun esponenziale esce dai limiti; −∞ dà peso zero.
  function softmax(s) {
    const massimo = Math.max(...s), potenze = s.map((x) => Math.exp(x - massimo));
    const somma = potenze.reduce((a, b) => a + b, 0);
    return potenze.map((p) => p / somma);
  }
  const punteggi = (Q, K) => prodotto(Q, trasposta(K)).map((riga) => riga.map((x) => x / Math.sqrt(K[0].length)));
  // La somma pesata dei valori: una riga di pesi, le righe di V.
  const somma = (pesi, V) => trasposta(V).map((colonna) => scalare(pesi, colonna));

  const X = E.map((riga, pos) => {
    const onde = posizione(pos, 8);
    return riga.map((e, j) => e * Math.sqrt(8) + onde[j]);
  });
  const [Q, K, V] = [W_q, W_k, W_v].map((W) => prodotto(X, W[0]));  // la prima testa

  Esperimenti.esempio = {
    TOKEN, E, W_q, W_k, W_v, W_o, X, Q, K, V, S: punteggi(Q, K),
    trasposta, scalare, prodotto, posizione, softmax, punteggi, somma,
  };
})();
