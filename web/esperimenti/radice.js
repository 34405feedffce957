// Quanto si allontana da zero una somma di d_k monete, passo 3, e che cosa ne fa la softmax del passo 4.
(() => {
  const { fai, numero, cursore, spunta, barre, riquadro, esempio, nuovo } = Esperimenti;
  const { TOKEN, Q, K, softmax, scalare } = esempio;

  const conti = {
    // Di 2 alla d_k strade, che parte finisce in ciascun posto: coppie [somma, parte]; sono i coefficienti binomiali.
    strade(d_k) {
      const posti = [];
      let parte = 2 ** -d_k;
      for (let su = 0; su <= d_k; su++) {
        posti.push([2 * su - d_k, parte]);
        parte *= (d_k - su) / (su + 1);
      }
      return posti;
    },
    distanza: (d_k, diviso) => (diviso ? 1 : Math.sqrt(d_k)),
    // I prodotti di «mangia», che nell’esempio hanno d_k = 4: cresciuti quanto cresce la distanza tipica.
    prodotti: (d_k) => K.map((k) => scalare(Q[2], k) * Math.sqrt(d_k / 4)),
    pesi: (d_k, diviso) => softmax(conti.prodotti(d_k).map((x) => (diviso ? x / Math.sqrt(d_k) : x))),
    // Di quanto cambia il peso più alto, se il suo punteggio cresce di poco: a (1 − a) per ogni punto.
    pendenza(pesi) {
      const a = Math.max(...pesi);
      return a * pesi.filter((_, i) => i !== pesi.indexOf(a)).reduce((x, y) => x + y, 0);
    },
  };

  nuovo("radice", conti, (vivo, dice) => {
    const cifre = (x) => numero(x, 0);
    const quante = cursore("componenti d_k", { min: 1, max: 9, passo: 1, valore: 2, scrivi: (p) => cifre(2 ** p) }, mostra);
    const diviso = spunta("diviso √d_k", false, mostra);
    const largo = 64;
    const figura = riquadro("Dove finiscono le somme di d_k monete", {
      x: [-largo, largo], y: [0, 1.08], alto: 170, tacche: [[-60, -30, 0, 30, 60], []], scrivi: [cifre, cifre],
      assi: ["prodotto scalare", ""],
    }, ({ X, Y, traccia }) => {
      const d_k = 2 ** quante.valore, scala = diviso.valore ? Math.sqrt(d_k) : 1, posti = conti.strade(d_k);
      const alta = Math.max(...posti.map(([, p]) => p)), passo = Math.max(1.5, X(2 / scala) - X(0) - 1);
      const tipica = conti.distanza(d_k, diviso.valore);
      traccia("rect", { class: "esp-fascia", x: X(-tipica), y: Y(1.08), width: X(tipica) - X(-tipica), height: Y(0) - Y(1.08) });
      for (const [somma, p] of posti) {
        if (p / alta < 0.002 || Math.abs(somma / scala) > largo) continue;
        traccia("rect", { class: "esp-pieno", x: X(somma / scala) - passo / 2, y: Y(p / alta), width: passo, height: Y(0) - Y(p / alta) });
      }
    });
    const pesi = barre("quanto si prende ciascuna parola, per «mangia»", TOKEN);
    vivo.append(fai("div", { class: "esp-comandi" }, quante.riga, diviso.riga), figura.elemento, pesi.elemento);

    function mostra() {
      const d_k = 2 ** quante.valore, a = conti.pesi(d_k, diviso.valore), quanto = conti.pendenza(a);
      // con la radice tutto sta fra −4 e 4: l’asse si stringe, e il disegno non cambia più
      figura.x = diviso.valore ? [-4.3, 4.3] : [-largo, largo];
      figura.tacche[0] = diviso.valore ? [-4, -2, 0, 2, 4] : [-60, -30, 0, 30, 60];
      figura.mostra();
      pesi.mostra(a);
      dice(`Con ${d_k} componenti la distanza tipica da zero, la fascia, è ${numero(conti.distanza(d_k, diviso.valore))}. `
        + `«la» si prende ${numero(a[0])} del totale; se il suo numero cresce di 0,01, si prende di più `
        + (quanto / 100 < 1e-6 ? "meno di un milionesimo." : `${numero(quanto / 100, quanto > 0.01 ? 4 : 6)}.`));
    }
    mostra();
  });
})();
