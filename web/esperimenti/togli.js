// Il peso e l’effetto, passo 6: si toglie una parola e si guarda di quanto si sposta l’uscita.
(() => {
  const { fai, numero, fila, scelta, barre, esempio, nuovo } = Esperimenti;
  const { TOKEN, S, V, softmax, somma } = esempio;
  const distanza = (a, b) => Math.hypot(...a.map((x, c) => x - b[c]));
  const conti = {
    pesi: (i) => softmax(S[i]),
    // L’uscita di i senza la parola j, o con tutte: gli altri pesi tornano a sommare a 1.
    uscita: (i, j = null) => somma(softmax(S[i].map((s, l) => (l === j ? -Infinity : s))), V),
    effetto: (i, j) => distanza(conti.uscita(i, j), conti.uscita(i)),
  };

  nuovo("togli", conti, (vivo, dice) => {
    const parole = TOKEN.map((parola, i) => [i, parola]);
    const query = scelta("chi cerca", parole, 1, mostra), via = scelta("si toglie", [[null, "nessuna"], ...parole], null, mostra);
    const pesi = barre("peso", TOKEN), effetti = barre("effetto di toglierla", TOKEN, { massimo: 2, classe: "esp-altro" });
    vivo.append(fai("div", { class: "esp-comandi" }, query.riga, via.riga), fai("div", { class: "esp-affiancate" }, pesi.elemento, effetti.elemento));

    function mostra() {
      const i = query.valore, j = via.valore;
      const tutti = conti.pesi(i), effetti_di = TOKEN.map((_, l) => conti.effetto(i, l));
      pesi.mostra(j === null ? tutti : softmax(S[i].map((s, l) => (l === j ? -Infinity : s))));
      effetti.mostra(effetti_di);
      for (const { righe } of [pesi, effetti]) righe.forEach((riga, l) => riga.classList.toggle("esp-tolta", l === j));
      const ordine = (valori) => [...valori.keys()].sort((a, b) => valori[a] - valori[b]).map((l) => TOKEN[l]);
      const [uno, due] = [ordine(tutti), ordine(effetti_di)];
      const accordo = uno.join() === due.join() ? "Pesi ed effetti sono nello stesso ordine."
        : `Dal più piccolo al più grande, i pesi: ${uno.join(", ")}; gli effetti: ${due.join(", ")}. L’ordine non è lo stesso.`;
      dice(j === null ? `«${TOKEN[i]}», con tutte: uscita ${fila(conti.uscita(i))}. ${accordo}`
        : `Senza «${TOKEN[j]}», che pesava ${numero(tutti[j])}, l’uscita di «${TOKEN[i]}» va da ${fila(conti.uscita(i))} a `
          + `${fila(conti.uscita(i, j))}: si sposta di ${numero(effetti_di[j])}. ${accordo}`);
    }
    mostra();
  });
})();
