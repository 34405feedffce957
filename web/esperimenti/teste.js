// Una testa o due, sezione 3.2.2: «mangia» guarda il posto 1 e il posto 4, e le due parole si scambiano.
(() => {
  const { fai, numero, fila, bottone, cursore, scelta, nuovo } = Esperimenti;
  const PAROLE = { "la gatta": [1, 0], "il topo": [0, 1] }, FRASI = [["la gatta", "il topo"], ["il topo", "la gatta"]];
  const media = (peso, u, w) => u.map((x, c) => peso * x + (1 - peso) * w[c]);
  const conti = {
    // posti: i due valori; peso: quanto l’unica testa dà al primo dei due
    una: (posti, peso) => media(peso, ...posti),
    due: (posti) => [...posti[0], ...posti[1]],
    // Due valori diversi da quelli, con la stessa media: uno si sposta di (1 − a) c, l’altro di −a c.
    confusa: (posti, peso, c = [1, -1]) => [posti[0].map((x, l) => x + (1 - peso) * c[l]), posti[1].map((x, l) => x - peso * c[l])],
    valori: (frase) => frase.map((parola) => PAROLE[parola]),
  };

  nuovo("teste", conti, (vivo, dice) => {
    let quale = 0;
    const teste = scelta("teste", [[1, "una"], [2, "due"]], 1, mostra);
    const peso = cursore("peso del posto 1", { min: 0, max: 1, passo: 0.05, valore: 0.5 }, mostra);
    const frase = fai("p", { class: "esp-frase" });
    const uscite = fai("ol", { class: "esp-uscite" });
    vivo.append(frase, fai("div", { class: "esp-comandi" }, bottone("Scambia gatta e topo", () => { quale = 1 - quale; mostra(); }),
      teste.riga, peso.riga), uscite);

    const uscita = (f) => (teste.valore === 1 ? conti.una(conti.valori(f), peso.valore) : conti.due(conti.valori(f)));
    function mostra() {
      const f = FRASI[quale], altra = FRASI[1 - quale], qui = uscita(f), la = uscita(altra);
      frase.replaceChildren(fai("mark", {}, f[0]), " mangia ", fai("mark", {}, f[1]));
      peso.riga.hidden = teste.valore === 2;
      uscite.replaceChildren(...[[f, qui], [altra, la]].map(([[a, b], numeri], i) => fai("li", { class: i ? "esp-quieto" : "" },
        fai("span", {}, `${a} mangia ${b}`), fai("span", { class: "esp-numero" }, fila(numeri)))));
      const uguali = qui.every((x, c) => Math.abs(x - la[c]) < 1e-9);
      if (teste.valore === 2) dice(`Due teste, una per posto: uscite ${fila(qui)} e ${fila(la)}. La prima dice chi, la seconda che cosa: si distinguono.`);
      else if (uguali) dice(`Una testa, metà e metà: uscita ${fila(qui)} in tutte e due le frasi. Chi mangia chi non si sa più.`);
      else {
        const [u, w] = conti.confusa(conti.valori(f), peso.valore);
        dice(`Con il peso ${numero(peso.valore)} queste due frasi si distinguono: ${fila(qui)} e ${fila(la)}. Ma altri due valori, `
          + `${fila(u)} nel posto 1 e ${fila(w)} nel posto 4, darebbero ${fila(conti.una([u, w], peso.valore))}, come la frase di sopra.`);
      }
    }
    mostra();
  });
})();
