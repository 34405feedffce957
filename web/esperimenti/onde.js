// La codifica posizionale, sezione 3.5: una coppia di componenti è un punto su un cerchio, e uno scostamento lo gira.
(() => {
  const { fai, svg, numero, fattore, cursore, scelta, riquadro, esempio, nuovo } = Esperimenti;
  const D_MODEL = 512, COPPIE = [0, 24, 48, 72];
  const conti = {
    velocita: (i, d_model = D_MODEL) => 10000 ** (-2 * i / d_model),
    coppia: (pos, i) => esempio.posizione(pos, D_MODEL).slice(2 * i, 2 * i + 2),
    // La rotazione che porta la coppia da pos a pos + k: la stessa per ogni pos.
    rotazione(k, i) {
      const angolo = k * conti.velocita(i);
      return [[Math.cos(angolo), Math.sin(angolo)], [-Math.sin(angolo), Math.cos(angolo)]];
    },
    gira: (R, v) => R.map((riga) => esempio.scalare(riga, v)),
  };

  nuovo("onde", conti, (vivo, dice) => {
    const intero = (x) => numero(x, 0);
    const coppia = scelta("coppia i", COPPIE.map((i) => [i, `${i}`]), 24, mostra);
    const posto = cursore("posizione pos", { min: 0, max: 39, passo: 1, valore: 7, scrivi: intero }, mostra);
    const passo = cursore("scostamento k", { min: 0, max: 20, passo: 1, valore: 5, scrivi: intero }, mostra);
    const figura = riquadro("Il seno e il coseno di una coppia, contro la posizione", {
      x: [0, 60], y: [-1.15, 1.15], alto: 200, tacche: [[0, 20, 40, 60], [-1, 0, 1]], scrivi: [intero, intero], assi: ["posizione", ""],
    }, ({ X, Y, curva, traccia }) => {
      const passi = Array.from({ length: 601 }, (_, n) => n / 10), v = conti.velocita(coppia.valore);
      curva(passi.map((p) => [p, Math.sin(p * v)]));
      curva(passi.map((p) => [p, Math.cos(p * v)]), "esp-curva esp-tratteggio");
      for (const [p, classe] of [[posto.valore, "esp-punto"], [posto.valore + passo.valore, "esp-segno"]]) {
        traccia("line", { class: "esp-quieta", x1: X(p), x2: X(p), y1: Y(-1.15), y2: Y(1.15) });
        for (const y of conti.coppia(p, coppia.valore)) traccia("circle", { class: classe, cx: X(p), cy: Y(y), r: 5 });
      }
    });
    const cerchio = svg("svg", { class: "esp-disegno", viewBox: "-1.3 -1.3 2.6 2.6", width: 200, height: 200, role: "img", "aria-label": "La coppia come punto su un cerchio" });
    vivo.append(fai("div", { class: "esp-comandi" }, coppia.riga, posto.riga, passo.riga),
      fai("div", { class: "esp-onde" }, figura.elemento, cerchio));

    function mostra() {
      figura.mostra();
      const i = coppia.valore, [da, a] = [posto.valore, posto.valore + passo.valore].map((p) => conti.coppia(p, i));
      const R = conti.rotazione(passo.valore, i), angolo = passo.valore * conti.velocita(i);
      const punto = ([seno, coseno]) => [coseno, -seno];
      const lancetta = (v, classe) => {
        const [x, y] = punto(v);
        return [svg("line", { class: classe, x1: 0, y1: 0, x2: x, y2: y }), svg("circle", { class: classe, cx: x, cy: y, r: 0.07 })];
      };
      const [x, y] = punto(da), [u, w] = punto(a), giro = angolo % (2 * Math.PI);
      cerchio.replaceChildren(svg("circle", { class: "esp-griglia", cx: 0, cy: 0, r: 1, fill: "none" }),
        svg("path", { class: "esp-arco", d: `M${x / 2} ${y / 2}A.5 .5 0 ${giro > Math.PI ? 1 : 0} 0 ${u / 2} ${w / 2}` }),
        ...lancetta(da, "esp-punto"), ...lancetta(a, "esp-segno"));
      const riga = (v) => v.map((n) => numero(n)).join(" e ");
      dice(`In posizione ${posto.valore} seno e coseno sono ${riga(da)}; in ${posto.valore + passo.valore}, ${riga(a)}. Da uno all’altro si gira di `
        + `${numero(angolo)} radianti: il seno nuovo è ${fattore(R[0][0])} · ${fattore(da[0])} + ${fattore(R[0][1])} · ${fattore(da[1])}. `
        + "Cambiando pos, i due coefficienti restano quelli.");
    }
    mostra();
  });
})();
