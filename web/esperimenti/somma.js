// L’uscita di «mangia», passo 5: cinque pesi che sommano a 1, cinque valori, tre medie.
(() => {
  const { fai, numero, fila, bottone, cursore, riquadro, esempio, nuovo } = Esperimenti;
  const { TOKEN, V, S, softmax, somma, trasposta } = esempio;
  const conti = {
    pesi: softmax(S[2]),
    uscita: (pesi) => somma(pesi, V),
    // Un peso diventa x; gli altri si spartiscono ciò che resta, ciascuno in proporzione a quanto aveva.
    sposta(pesi, i, x) {
      const altri = pesi.reduce((t, w, j) => t + (j === i ? 0 : w), 0);
      return pesi.map((w, j) => (j === i ? x : altri > 1e-9 ? w * (1 - x) / altri : (1 - x) / (pesi.length - 1)));
    },
  };

  nuovo("somma", conti, (vivo, dice) => {
    let pesi = conti.pesi;
    const limiti = trasposta(V).map((colonna) => [Math.min(...colonna), Math.max(...colonna)]);
    const cursori = TOKEN.map((parola, i) => cursore(parola, { min: 0, max: 1, passo: 0.01, valore: pesi[i], nome: `peso di «${parola}»` },
      (x) => metti(conti.sposta(pesi, i, x), i)));
    const figura = riquadro("I cinque valori e l’uscita, una riga per componente", {
      x: [-2.6, 2.6], y: [-0.35, 2.75], alto: 250, tacche: [[-2, -1, 0, 1, 2], [0, 1, 2]],
      scrivi: [(v) => numero(v, 0), (c) => `${3 - c}ª`],
    }, ({ X, Y, traccia }) => {
      const uscita = conti.uscita(pesi);
      for (let c = 0; c < 3; c++) {
        const y = Y(2 - c);
        traccia("line", { class: "esp-fascia-linea", x1: X(limiti[c][0]), x2: X(limiti[c][1]), y1: y, y2: y });
        V.forEach((v, i) => traccia("circle", { class: "esp-punto", cx: X(v[c]), cy: y, r: 3 + 9 * Math.sqrt(pesi[i]) }));
        let [fine, piano] = [-Infinity, 0];  // i nomi vicini salgono uno sull’altro
        for (const i of [...TOKEN.keys()].sort((a, b) => V[a][c] - V[b][c])) {
          const x = X(V[i][c]), mezzo = 3.6 * TOKEN[i].length + 2;
          piano = x - mezzo < fine ? (piano + 1) % 4 : 0;
          fine = x + mezzo;
          traccia("text", { x, y: y - 15 - 12 * piano, "text-anchor": "middle" }, TOKEN[i]);
        }
        traccia("path", { class: "esp-segno", d: `M${X(uscita[c])} ${y + 3}l6 13h-12z` });
      }
    });
    vivo.append(fai("div", { class: "esp-comandi esp-colonna" }, ...cursori.map(({ riga }) => riga)),
      fai("div", { class: "esp-comandi esp-voci" }, bottone("i pesi di «mangia»", () => metti(conti.pesi)),
        bottone("tutti uguali", () => metti(Array(5).fill(0.2))), bottone("tutto a «topo»", () => metti([0, 0, 0, 0, 1]))),
      figura.elemento);

    function metti(nuovi, mosso = -1) {
      pesi = nuovi;
      cursori.forEach((c, i) => i === mosso || c.metti(pesi[i]));
      mostra();
    }
    function mostra() {
      figura.mostra();
      const uscita = conti.uscita(pesi);
      dice(`Uscita ${fila(uscita)}. I pesi sommano a ${numero(pesi.reduce((a, b) => a + b))}. In ogni componente l’uscita sta `
        + `fra il più piccolo e il più grande dei cinque valori: ${limiti.map(([a, b], c) => `${numero(a)} ≤ ${numero(uscita[c])} ≤ ${numero(b)}`).join("; ")}.`);
    }
    mostra();
  });
})();
