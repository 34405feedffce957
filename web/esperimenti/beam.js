// La beam search come albero, «la decodifica»: le probabilità sono quelle del traduttore, registrate in beam-alberi.js.
(() => {
  const { fai, svg, numero, bottone, cursore, scelta, alberi, nuovo } = Esperimenti;
  const LARGA = 108, ALTA = 42, SCARTATE = 2;
  const conti = {
    // Un livello per passo: le sequenze tenute e le prime scartate. Una che si chiude occupa un posto.
    cerca(rami, ampiezza) {
      let tenute = [{ totale: 0, pezzi: [], rami, chiusa: false, madre: -1 }], chiuse = [];
      const livelli = [];
      while (tenute.length) {
        const candidate = tenute.flatMap(({ totale, pezzi, rami: seguito }, madre) => seguito.slice(0, ampiezza)
          .map(([pezzo, log_prob, dopo]) => ({ totale: totale + log_prob, pezzi: [...pezzi, pezzo], rami: dopo, chiusa: pezzo === "", madre })))
          .sort((a, b) => b.totale - a.totale);
        const liberi = ampiezza - chiuse.length, migliori = candidate.slice(0, liberi);
        livelli.push({ migliori, scartate: candidate.slice(liberi, liberi + SCARTATE), madri: tenute });
        chiuse = [...chiuse, ...migliori.filter(({ chiusa }) => chiusa)];
        tenute = migliori.filter(({ chiusa }) => !chiusa);
      }
      return { livelli, chiuse };
    },
    penalita: (m, alpha) => ((5 + m) / 6) ** alpha,
    punteggio: ({ totale, pezzi }, alpha) => totale / conti.penalita(pezzi.length, alpha),
    // La frase scelta fra quelle chiuse.
    scelta: (chiuse, alpha) => chiuse.reduce((a, b) => (conti.punteggio(b, alpha) > conti.punteggio(a, alpha) ? b : a)),
    testo: (pezzi) => pezzi.join("").replaceAll("▁", " ").trim(),
  };
  const breve = (pezzo) => (pezzo === "" ? "fine" : `·${pezzo}`.replace("·▁", ""));

  nuovo("beam", conti, (vivo, dice) => {
    let passi = 3;
    const frase = fai("select", { class: "esp-menu", "aria-label": "La frase da tradurre" }, ...Object.keys(alberi).map((f) => fai("option", { lang: "en" }, f)));
    frase.addEventListener("change", () => mostra());
    const ampiezza = scelta("ampiezza", [1, 2, 3, 4].map((n) => [n, `${n}`]), 2, () => mostra());
    const alpha = cursore("α", { min: 0, max: 2, passo: 0.1, valore: 0, scrivi: (x) => numero(x, 1) }, () => mostra());
    const disegno = svg("svg", { class: "esp-disegno esp-albero", role: "img", "aria-label": "L’albero della ricerca, un passo per colonna" });
    const scorre = fai("div", { class: "esp-scorre", tabindex: 0, role: "group", "aria-label": "L’albero: scorre di lato" }, disegno);
    const meno = bottone("Un passo indietro", () => { passi -= 1; mostra(); });
    const piu = bottone("Un passo avanti", () => { passi += 1; mostra(); });
    const tutto = bottone("Fino in fondo", () => { passi = 99; mostra(); });
    const elenco = fai("ol", { class: "esp-uscite", "aria-label": "le frasi chiuse" });
    vivo.append(fai("div", { class: "esp-comandi" }, frase), fai("div", { class: "esp-comandi" }, ampiezza.riga, alpha.riga),
      fai("div", { class: "esp-comandi esp-voci" }, meno, piu, tutto), scorre, elenco);

    function mostra() {
      const { livelli, chiuse } = conti.cerca(alberi[frase.value], ampiezza.valore), a = alpha.valore;
      passi = Math.min(passi, livelli.length);
      const visti = livelli.slice(0, passi), finita = passi === livelli.length;
      const trovate = finita ? chiuse : chiuse.filter(({ pezzi }) => pezzi.length <= passi);
      const vince = finita ? conti.scelta(chiuse, a) : null;
      albero(visti, vince);
      [meno.disabled, piu.disabled, tutto.disabled] = [passi === 1, finita, finita];
      elenco.replaceChildren(...trovate.map((h) => fai("li", { class: h === vince ? "esp-vince" : "" },
        fai("span", { lang: "it" }, conti.testo(h.pezzi)),
        fai("span", { class: "esp-numero" }, `${numero(h.totale)}; ${h.pezzi.length} token; punteggio ${numero(conti.punteggio(h, a))}`))));
      const { migliori, scartate } = visti.at(-1), ultima = ({ pezzi, totale }) => `«${breve(pezzi.at(-1))}» ${numero(totale)}`;
      dice(finita ? `La ricerca è finita: con ampiezza ${ampiezza.valore} e α ${numero(a, 1)} vince «${conti.testo(vince.pezzi)}», log-probabilità `
          + `${numero(vince.totale)}, punteggio ${numero(conti.punteggio(vince, a))}.`
        : `Passo ${passi}: si ${migliori.length === 1 ? "tiene" : "tengono"} ${migliori.map(ultima).join("; ")}`
          + (scartate.length ? `; la prima scartata è ${ultima(scartate[0])}.` : "."));
    }

    function albero(livelli, vince) {
      const alto = Math.max(...livelli.map(({ migliori, scartate }) => migliori.length + scartate.length)) * ALTA + 8;
      const tratti = [svg("text", { x: 4, y: 22 }, "inizio")], scritte = [];
      let quote = [{ y: 18, x: 42 }];
      livelli.forEach(({ migliori, scartate, madri }, passo) => {
        const x = 56 + passo * LARGA, nuove = [];
        [...migliori, ...scartate].forEach((h, riga) => {
          const y = 18 + riga * ALTA, tenuta = riga < migliori.length;
          const sua = vince && h.pezzi.every((pezzo, l) => pezzo === vince.pezzi[l]);
          const { y: da, x: x0 } = quote[h.madre], mezzo = (x0 + x) / 2;
          tratti.push(svg("path", { class: sua ? "esp-curva" : "esp-quieta", d: `M${x0} ${da}C${mezzo} ${da} ${mezzo} ${y} ${x - 4} ${y}` }));
          scritte.push(svg("text", { x, y: y + 4, class: sua ? "esp-vince" : tenuta ? "esp-tenuta" : "" }, breve(h.pezzi.at(-1))),
            svg("text", { x, y: y + 18, class: "esp-minuto" }, `${numero(h.totale)}${tenuta ? "" : " scartata"}`));
          if (tenuta && !h.chiusa) nuove.push({ y, x: x + 6 + Math.max(34, 7.6 * breve(h.pezzi.at(-1)).length) });
        });
        quote = nuove;
      });
      const larga = 56 + livelli.length * LARGA;
      for (const [k, v] of Object.entries({ viewBox: `0 0 ${larga} ${alto}`, width: larga, height: alto })) disegno.setAttribute(k, v);
      disegno.replaceChildren(...tratti, ...scritte);
      scorre.scrollLeft = scorre.scrollWidth;
    }
    mostra();
  });
})();
