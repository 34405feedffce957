// Il label smoothing, sezione 5.4: quanto si chiede al token giusto, e dove la perdita è più bassa.
(() => {
  const { fai, numero, cursore, scelta, barre, riquadro, nuovo } = Esperimenti;
  const conti = {
    // La probabilità chiesta al token giusto e a ciascuno degli altri.
    chieste: (eps, n_vocab) => ({ giusto: 1 - eps + eps / n_vocab, altro: eps / n_vocab }),
    // La perdita, in nat, se il modello dà p al giusto e il resto, in parti uguali, agli altri.
    perdita(p, eps, n_vocab) {
      const { giusto, altro } = conti.chieste(eps, n_vocab), resto = (1 - p) / (n_vocab - 1);
      return -giusto * Math.log(p) - (altro ? (n_vocab - 1) * altro * Math.log(resto) : 0);
    },
    minima: (eps, n_vocab) => (eps ? conti.perdita(conti.chieste(eps, n_vocab).giusto, eps, n_vocab) : 0),
  };

  nuovo("epsilon", conti, (vivo, dice) => {
    const eps = cursore("ε", { min: 0, max: 0.5, passo: 0.01, valore: 0.1 }, mostra);
    const p = cursore("probabilità data al giusto", { min: 0.01, max: 0.999, passo: 0.001, valore: 0.999, scrivi: (x) => numero(x, 3) }, mostra);
    const quanti = scelta("token nel vocabolario", [[5, "5"], [37_000, numero(37_000, 0)]], 5, mostra);
    const chieste = barre("probabilità chieste", ["giusto", "altro"], { cifre: 3 });
    const figura = riquadro("La perdita contro la probabilità data al token giusto", {
      x: [0, 1], y: [0, 4], alto: 220, tacche: [[0, 0.25, 0.5, 0.75, 1], [0, 1, 2, 3, 4]],
      scrivi: [numero, (y) => numero(y, 0)], assi: ["probabilità data al giusto", "perdita, in nat"],
    }, ({ X, Y, curva, traccia }) => {
      const prove = [...Array.from({ length: 199 }, (_, n) => (n + 1) / 200), 0.998, 0.9995];
      const alla = (e) => prove.map((q) => [q, conti.perdita(q, e, quanti.valore)]);
      curva(alla(0), "esp-quieta");
      curva(alla(eps.valore));
      const minimo = conti.chieste(eps.valore, quanti.valore).giusto;
      traccia("circle", { class: "esp-segno", cx: X(minimo), cy: Y(conti.minima(eps.valore, quanti.valore)), r: 5 });
      traccia("circle", { class: "esp-punto", cx: X(p.valore), cy: Y(conti.perdita(p.valore, eps.valore, quanti.valore)), r: 6 });
    });
    vivo.append(fai("div", { class: "esp-comandi" }, eps.riga, p.riga, quanti.riga), chieste.elemento, figura.elemento);

    function mostra() {
      const { giusto, altro } = conti.chieste(eps.valore, quanti.valore), minima = conti.minima(eps.valore, quanti.valore);
      figura.y = [0, quanti.valore > 5 ? 8 : 4];
      figura.tacche[1] = quanti.valore > 5 ? [0, 2, 4, 6, 8] : [0, 1, 2, 3, 4];
      chieste.mostra([giusto, altro]);
      figura.mostra();
      const qui = conti.perdita(p.valore, eps.valore, quanti.valore);
      dice(`Dando ${numero(p.valore, 3)} al giusto la perdita è ${numero(qui)}. La più bassa, ${numero(minima, 4)}, si ha dando `
        + `${numero(giusto, eps.valore ? 3 : 0)}: ${eps.valore === 0 ? "senza label smoothing conviene la certezza."
          : p.valore > giusto + 0.0005 ? "essere più sicuri di così costa." : "fin lì conviene essere più sicuri."}`);
    }
    mostra();
  });
})();
