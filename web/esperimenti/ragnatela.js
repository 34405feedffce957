// La discesa come iterazione di punto fisso, «come si correggono i pesi»: w ← w − lrate · a (w − 3).
(() => {
  const { fai, numero, cursore, riquadro, nuovo } = Esperimenti;
  const FISSO = 3, PASSI = 40;
  const conti = {
    G: (w, lrate, a = 2) => w - lrate * a * (w - FISSO),
    cammino(lrate, a = 2, w = 0, passi = PASSI) {
      const posti = [w];
      for (let passo = 0; passo < passi; passo++) posti.push(w = conti.G(w, lrate, a));
      return posti;
    },
    fattore: (lrate, a = 2) => 1 - lrate * a,
    soglia: (a = 2) => 2 / a,
  };
  // una distanza: due decimali, o come potenza di dieci
  function breve(x) {
    if (x === 0 || (x >= 0.01 && x < 10_000)) return numero(x);
    const ordine = Math.floor(Math.log10(x)), alto = [...String(ordine)].map((c) => (c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[c])).join("");
    return `${numero(x / 10 ** ordine, 1)} · 10${alto}`;
  }

  nuovo("ragnatela", conti, (vivo, dice) => {
    const tasso = cursore("tasso di apprendimento", { min: 0.02, max: 1.3, passo: 0.01, valore: 0.2 }, mostra);
    const curvatura = cursore("curvatura della perdita", { min: 0.5, max: 4, passo: 0.1, valore: 2, scrivi: (x) => numero(x, 1) }, mostra);
    const intero = (x) => numero(x, 0), quadro = [-2, 8];
    const figura = riquadro("La retta di G, la bisettrice e la spezzata che va dall’una all’altra", {
      x: quadro, y: quadro, alto: 300, tacche: [[-2, 0, 2, 4, 6, 8], [-2, 0, 2, 4, 6, 8]], scrivi: [intero, intero], assi: ["w", "G(w)"],
    }, ({ X, Y, curva, traccia }) => {
      const [lrate, a] = [tasso.valore, curvatura.valore], posti = conti.cammino(lrate, a), spezzata = [[posti[0], posti[0]]];
      for (let i = 1; i < posti.length && Math.abs(posti[i]) < 1e3; i++) spezzata.push([posti[i - 1], posti[i]], [posti[i], posti[i]]);
      curva([[-2, -2], [8, 8]], "esp-quieta");
      curva([[-2, conti.G(-2, lrate, a)], [8, conti.G(8, lrate, a)]], "esp-nera");
      curva(spezzata);
      traccia("circle", { class: "esp-pieno", cx: X(FISSO), cy: Y(FISSO), r: 4 });
    });
    vivo.append(fai("div", { class: "esp-comandi" }, tasso.riga, curvatura.riga), figura.elemento);

    function mostra() {
      figura.mostra();
      const [lrate, a] = [tasso.valore, curvatura.valore], fattore = conti.fattore(lrate, a), fine = conti.cammino(lrate, a).at(-1);
      const grande = Math.abs(fattore), che = Math.abs(grande - 1) < 1e-9 ? "resta la stessa: è proprio la soglia"
        : grande > 1 ? "cresce: ci si allontana" : fattore < 0 ? "cala, saltando ogni volta di là dal minimo" : "cala";
      dice(`Soglia 2/a = ${numero(conti.soglia(a))}. A ogni passo la distanza da 3 si moltiplica per ${numero(fattore)}, e ${che}. `
        + `Da 0, dopo ${PASSI} passi, è ${breve(Math.abs(fine - FISSO))}.`);
    }
    mostra();
  });
})();
