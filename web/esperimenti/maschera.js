// La maschera, sezione 3.2.3: casella per casella chi può vedere chi, e da dove trapela il futuro.
(() => {
  const { fai, bottone, scelta, tabella, esempio, nuovo } = Esperimenti;
  const { TOKEN, Q, K, V, softmax, punteggi, somma } = esempio;
  const tutte = (vera) => TOKEN.map((_, i) => TOKEN.map((_, j) => vera(i, j)));
  const MODI = {
    "−∞ prima della softmax": (s, ammesse) => pesi(s.map((x, j) => (ammesse[j] ? x : -Infinity))),
    "0 prima": (s, ammesse) => softmax(s.map((x, j) => (ammesse[j] ? x : 0))),
    "0 dopo": (s, ammesse) => softmax(s).map((w, j) => (ammesse[j] ? w : 0)),
  };
  const MASCHERE = {
    causale: tutte((i, j) => j <= i),
    nessuna: tutte(() => true),
    "spostata di una": tutte((i, j) => j <= i + 1),
    "righe e colonne scambiate": tutte((i, j) => j >= i),
  };
  // una riga tutta vietata: zero diviso zero
  const pesi = (s) => (s.every((x) => x === -Infinity) ? s.map(() => NaN) : softmax(s));

  const conti = {
    MODI, MASCHERE,
    pesi: (modo, maschera, chiavi = K) => punteggi(Q, chiavi).map((s, i) => MODI[modo](s, maschera[i])),
    uscite: (modo, maschera, chiavi = K, valori = V) => conti.pesi(modo, maschera, chiavi).map((riga) => somma(riga, valori)),
    // Le coppie (i, j) in cui chi viene prima, i, si accorge che chiave e valore di j sono cambiati.
    fughe(modo, maschera) {
      const prima = conti.uscite(modo, maschera), coppie = [];
      TOKEN.forEach((_, j) => {
        const altre = (M) => M.map((riga, l) => (l === j ? riga.map((x) => x + 1) : riga));
        const dopo = conti.uscite(modo, maschera, altre(K), altre(V));
        for (let i = 0; i < j; i++) if (dopo[i].some((x, c) => Math.abs(x - prima[i][c]) > 1e-12)) coppie.push([i, j]);
      });
      return coppie;
    },
  };

  nuovo("maschera", conti, (vivo, dice) => {
    let maschera = MASCHERE.causale.map((riga) => [...riga]);
    const modo = scelta("chi è vietato", Object.keys(MODI).map((m) => [m, m]), "−∞ prima della softmax", mostra);
    const ammesse = tabella("chi può vedere chi: la riga guarda", TOKEN, TOKEN, { scegli(i, j) { maschera[i][j] = !maschera[i][j]; mostra(i); } });
    const tavola = tabella("i pesi che ne escono", TOKEN, TOKEN, { massimo: 1 });
    const pronte = Object.entries(MASCHERE).map(([nome, m]) => bottone(nome, () => {
      maschera = m.map((riga) => [...riga]);
      mostra();
    }));
    vivo.append(fai("div", { class: "esp-comandi esp-voci" }, ...pronte), fai("div", { class: "esp-comandi" }, modo.riga),
      fai("div", { class: "esp-affiancate" }, ammesse.elemento, tavola.elemento));
    ammesse.elemento.classList.add("esp-caselle");

    function mostra(riga = null) {
      ammesse.mostra(maschera.map((r) => r.map((si) => (si ? "sì" : "no"))), (i, j) => maschera[i][j]);
      ammesse.caselle.forEach((r, i) => r.forEach((casella, j) => casella.setAttribute("aria-selected", maschera[i][j])));
      const a = conti.pesi(modo.valore, maschera), fughe = conti.fughe(modo.valore, maschera);
      const trapela = (i, j) => fughe.some(([da, a]) => da === i && a === j);
      tavola.mostra(a, trapela);
      const vuote = TOKEN.filter((_, i) => a[i].some(Number.isNaN));
      const uno = a.every((r) => Math.abs(r.reduce((x, y) => x + y) - 1) < 1e-6);
      const vede = Number.isInteger(riga) ? `«${TOKEN[riga]}» può vedere: ${TOKEN.filter((_, j) => maschera[riga][j]).join(", ") || "nessuno"}. ` : "";
      dice(vede + (vuote.length ? `La riga di ${vuote.map((t) => `«${t}»`).join(", ")} non ha nulla da guardare: la softmax dividerebbe zero per zero. `
        : `Le righe ${uno ? "sommano a 1" : "non sommano tutte a 1"}. `)
        + (fughe.length ? `Dal futuro ${fughe.length === 1 ? "trapela una coppia" : `trapelano ${fughe.length} coppie`} su 10: ${fughe.length === 1 ? "la casella" : "le caselle"} con l’orlo.` : "Dal futuro non trapela nulla."));
    }
    mostra();
  });
})();
