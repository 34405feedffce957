// Il tasso di apprendimento, sezione 5.3: sale per i passi di warmup, poi cala come la radice.
(() => {
  const { fai, numero, cursore, scelta, riquadro, nuovo } = Esperimenti;
  const ULTIMO = 100_000;
  const conti = {
    lrate: (step, d_model = 512, warmup = 4000) => d_model ** -0.5 * Math.min(step ** -0.5, step * warmup ** -1.5),
  };

  nuovo("tasso", conti, (vivo, dice) => {
    const intero = (x) => numero(x, 0), millesimi = (x) => numero(1000 * x);
    const d_model = scelta("d_model", [128, 256, 512, 1024].map((d) => [d, `${d}`]), 512, mostra);
    const warmup = cursore("passi di warmup", { min: 1000, max: 16_000, passo: 500, valore: 4000, scrivi: intero }, mostra);
    const figura = riquadro("Il tasso di apprendimento contro il passo", {
      x: [0, ULTIMO], y: [0, 0.00155], alto: 240, tacche: [[0, 50_000, 100_000], [0, 0.0005, 0.001, 0.0015]],
      scrivi: [intero, (y) => numero(1000 * y, 1)], assi: ["passo", "tasso, in millesimi"],
    }, ({ X, Y, curva, traccia }) => {
      const passi = [...Array.from({ length: 200 }, (_, n) => 1 + n * 160), ...Array.from({ length: 70 }, (_, n) => 32_000 + n * 1000)];
      const quello = (d, w) => [...passi, w].sort((a, b) => a - b).map((s) => [s, conti.lrate(s, d, w)]);
      curva(quello(512, 4000), "esp-quieta");
      curva(quello(d_model.valore, warmup.valore));
      traccia("circle", { class: "esp-segno", cx: X(warmup.valore), cy: Y(conti.lrate(warmup.valore, d_model.valore, warmup.valore)), r: 5 });
    });
    vivo.append(fai("div", { class: "esp-comandi" }, d_model.riga, warmup.riga), figura.elemento);

    function mostra() {
      figura.mostra();
      const [d, w] = [d_model.valore, warmup.valore], alto = conti.lrate(w, d, w);
      dice(`Il tasso più alto è al passo ${intero(w)}: ${millesimi(alto)} millesimi, ${numero(alto / conti.lrate(4000))} volte quello del modello base `
        + `(${millesimi(conti.lrate(4000))}). Al passo ${intero(ULTIMO)} è ${millesimi(conti.lrate(ULTIMO, d, w))} millesimi: `
        + "lì il warmup non conta più: dalla curva grigia, quella del modello base, ci si scosta solo cambiando d_model.");
    }
    mostra();
  });
})();
