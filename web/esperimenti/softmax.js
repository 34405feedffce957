// I cinque punteggi di «mangia», passo 4: si muovono, e i pesi rispondono.
(() => {
  const { fai, numero, bottone, cursore, scelta, barre, esempio, nuovo } = Esperimenti;
  const { TOKEN, S, softmax } = esempio;
  const conti = { inizio: S[2], pesi: (s, fattore = 1) => softmax(s.map((x) => fattore * x)) };
  const FATTORI = [0.25, 0.5, 1, 2, 4, 8];

  nuovo("softmax", conti, (vivo, dice) => {
    const s = [...conti.inizio], prima = conti.pesi(s);
    const cursori = TOKEN.map((parola, i) =>
      cursore(parola, { min: -6, max: 6, passo: 0.1, valore: s[i], nome: `punteggio di «${parola}»` }, (x) => { s[i] = x; mostra(); }));
    const fattore = scelta("tutti per", FATTORI.map((f) => [f, numero(f, f < 1 ? 2 : 0).replace("0,50", "0,5")]), 1, () => mostra());
    const pesi = barre("punteggi e pesi", TOKEN, { prima });
    pesi.righe.forEach((riga, i) => riga.prepend(cursori[i].riga));
    const somma = bottone("+1 a tutti", () => {
      cursori.forEach((c, i) => c.metti(s[i] = Math.min(s[i] + 1, 6)));
      mostra();
    });
    vivo.append(pesi.elemento, fai("div", { class: "esp-comandi" }, fattore.riga, somma));
    pesi.elemento.classList.add("esp-con-cursori");

    function mostra() {
      const a = conti.pesi(s, fattore.valore);
      pesi.mostra(a);
      somma.disabled = Math.max(...s) > 5;
      const [primo, secondo] = [...a.keys()].sort((i, j) => a[j] - a[i]);
      const scarto = fattore.valore * (s[primo] - s[secondo]), rapporto = Math.exp(scarto);
      dice(`Il peso più alto è di «${TOKEN[primo]}», ${numero(a[primo])}; la somma è ${numero(a.reduce((x, y) => x + y))}. `
        + `Fra «${TOKEN[primo]}» e «${TOKEN[secondo]}» i punteggi distano ${numero(scarto)}, e il primo peso è `
        + (rapporto < 1e6 ? `${numero(rapporto, rapporto < 100 ? 2 : 0)} volte il secondo.` : "più di un milione di volte il secondo."));
    }
    mostra();
  });
})();
