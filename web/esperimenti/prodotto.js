// La tabella QKᵀ, passo 2: una casella, la sua riga, la sua colonna, i quattro prodotti.
(() => {
  const { fai, numero, fattore, tabella, spunta, esempio, nuovo } = Esperimenti;
  const { TOKEN, X, W_q, W_k, Q, K, trasposta, prodotto } = esempio;
  const conti = {
    tavola: prodotto(Q, trasposta(K)),
    addendi: (i, j) => Q[i].map((q, l) => q * K[j][l]),
  };

  nuovo("prodotto", conti, (vivo, dice) => {
    let [i, j] = [2, 1];
    const numeri = (quanti) => Array.from({ length: quanti }, () => "");
    const query = tabella("Q, una query per riga", TOKEN, numeri(4));
    const chiavi = tabella("Kᵀ, una chiave per colonna", ["1", "2", "3", "4"], TOKEN);
    const tavola = tabella("QKᵀ: la riga cerca, la colonna è cercata", TOKEN, TOKEN, { scegli: (a, b) => { [i, j] = [a, b]; mostra(); } });
    const ingresso = tabella("X", TOKEN, numeri(8), { cifre: 1 });
    const [per_query, per_chiavi] = ["W_q[0]", "W_k[0]"].map((nome) => tabella(nome, Array(8).fill(null), numeri(4), { cifre: 1 }));
    const origine = fai("div", { class: "esp-affiancate", hidden: true }, ingresso.elemento, per_query.elemento, per_chiavi.elemento);
    const da = spunta("Mostra anche X, W_q[0] e W_k[0]", false, (si) => { origine.hidden = !si; });
    vivo.append(fai("div", { class: "esp-prodotto" }, chiavi.elemento, query.elemento, tavola.elemento),
      fai("div", { class: "esp-comandi" }, da.riga), origine);
    const colonne = trasposta(K);
    tavola.ferma(i, j);

    function mostra() {
      query.mostra(Q, (a) => a === i);
      chiavi.mostra(colonne, (_, b) => b === j);
      tavola.mostra(conti.tavola, (a, b) => a === i && b === j);
      ingresso.mostra(X, (a) => a === i || a === j);
      per_query.mostra(W_q[0]);
      per_chiavi.mostra(W_k[0]);
      tavola.caselle.forEach((riga, a) => riga.forEach((casella, b) => {
        casella.classList.toggle("esp-incrocio", (a === i) !== (b === j));
        casella.setAttribute("aria-selected", a === i && b === j);
      }));
      dice(`«${TOKEN[i]}» cerca «${TOKEN[j]}»: ${Q[i].map((q, l) => `${fattore(q)} · ${fattore(K[j][l])}`).join(" + ")} = `
        + `${conti.addendi(i, j).map(fattore).join(" + ")} = ${numero(conti.tavola[i][j])}. `
        + (i === j ? "Qui una parola cerca sé stessa." : `All’inverso, «${TOKEN[j]}» che cerca «${TOKEN[i]}» dà ${numero(conti.tavola[j][i])}.`));
    }
    mostra();
  });
})();
