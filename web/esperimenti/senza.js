// Il modello senza un pezzo: la traduzione, prima e dopo; accanto, quanto BLEU resta sulle frasi di prova.
(() => {
  const { fai, numero, bottone, scelta, spunta, vivo, nuovo } = Esperimenti;
  const INTERI = [
    ["scale", "la divisione per √d"], ["positions", "la codifica posizionale"], ["causal_mask", "la maschera causale"],
    ["residuals", "le connessioni residuali"], ["norms", "le normalizzazioni"], ["feed_forward", "le reti feed-forward"],
    ["cross_attention", "lo sguardo alla frase inglese"],
  ];
  const DOVE = [["encoder", "self_attention", "encoder"], ["decoder", "self_attention", "decoder"], ["decoder", "cross_attention", "encoder–decoder"]];

  const conti = {
    // Quanto BLEU resta: la prova registrata, se è una di quelle; null se di quell’insieme non ce n’è.
    resta(prove, { tolti, encoder, decoder }) {
      const voci = [...tolti, ...(encoder ? [`encoder_layers=${encoder}`] : []), ...(decoder ? [`decoder_layers=${decoder}`] : [])];
      if (!voci.length) return prove.intero;
      return voci.length === 1 ? prove.prove[voci[0]] ?? null : null;
    },
  };

  nuovo("senza", conti, (posto, dice) => {
    const prove = JSON.parse(document.getElementById("prove-registrate").textContent);
    const comandi = fai("div"), prima = fai("div", { class: "vivo-lato" }), dopo = fai("div", { class: "vivo-lato" });
    posto.append(fai("div", { class: "vivo-due" }, prima, dopo), comandi);
    let mio = 0;

    const cambia = () => {
      vivo.segna();
      vivo.di();
    };
    function interruttore(nome, titolo) {
      const io = spunta(nome === "scale" ? fai("span", {}, titolo, fai("sub", {}, "k")) : titolo, vivo.tolti.has(nome), (via) => {
        vivo.tolti[via ? "add" : "delete"](nome);
        cambia();
      });
      const bleu = prove.prove[nome]?.BLEU;
      if (bleu !== undefined) io.riga.append(fai("span", { class: "vivo-bleu" }, `BLEU ${numero(bleu, 1)}`));
      return io.riga;
    }

    function comanda() {
      if (!vivo.fatti) return vivo.invita(comandi, dice);
      const { n_layers, n_heads } = vivo.fatti.config, quanti = Array.from({ length: n_layers }, (_, i) => i + 1);
      const interi = fai("fieldset", { class: "vivo-gruppo" }, fai("legend", { class: "esp-titolo" }, `si toglie, in tutto il modello (intero: BLEU ${numero(prove.intero.BLEU, 1)})`),
        ...INTERI.map(([nome, titolo]) => interruttore(nome, titolo)));
      const teste = fai("fieldset", { class: "vivo-gruppo" }, fai("legend", { class: "esp-titolo" }, "si spegne una testa (strato × testa): più piena la casella, più BLEU se ne va"));
      for (const [pila, attenzione, titolo] of DOVE) {
        const griglia = fai("div", { class: "vivo-teste", role: "group", "aria-label": `Teste: ${titolo}`, style: `--teste:${n_heads}` });
        for (let strato = 0; strato < n_layers; strato++) for (let testa = 0; testa < n_heads; testa++) {
          const nome = `${pila}.${strato}.${attenzione}.heads.${testa}`, bleu = prove.prove[nome]?.BLEU;
          const detto = `${titolo}, strato ${strato + 1}, testa ${testa + 1}${bleu === undefined ? "" : `: senza, BLEU ${numero(bleu, 1)}`}`;
          const b = bottone(`${strato + 1}·${testa + 1}`, () => {
            const via = !vivo.tolti.has(nome);
            vivo.tolti[via ? "add" : "delete"](nome);
            b.setAttribute("aria-pressed", via);
            cambia();
          }, { "aria-pressed": String(vivo.tolti.has(nome)), "aria-label": detto, title: detto });
          if (bleu !== undefined) b.style.setProperty("--cala", `${Math.round(Math.min(100, Math.max(0, 12 * (prove.intero.BLEU - bleu))))}%`);
          griglia.append(b);
        }
        teste.append(fai("div", {}, fai("span", { class: "esp-titolo" }, titolo), griglia));
      }
      const strati = ["encoder", "decoder"].map((pila) =>
        scelta(`strati dell’${pila}`.replace("dell’d", "del d"), quanti.map((q) => [q, `${q}`]), vivo[pila] ?? n_layers, (q) => {
          vivo[pila] = q === n_layers ? null : q;
          cambia();
        }).riga);
      comandi.replaceChildren(fai("div", { class: "vivo-interruttori" }, interi, teste), fai("div", { class: "esp-comandi" }, ...strati));
    }

    const lato = (titolo, esito, bleu) => [
      fai("span", { class: "esp-titolo" }, titolo), fai("p", { class: "vivo-testo", lang: "it" }, esito.text || "(niente)"),
      fai("p", { class: "vivo-dato" }, `log-probabilità ${numero(esito.logProb)}, in ${numero(esito.tokens.length, 0)} unità`),
      fai("p", { class: "vivo-dato" }, bleu ? `BLEU sulle frasi di prova: ${numero(bleu.BLEU, 1)}` : "BLEU: di questo insieme di pezzi non è stato misurato"),
    ];

    async function mostra() {
      if (!posto.contains(comandi)) return;
      if (!vivo.fatti || !vivo.frase) return;
      const qui = ++mio;
      dopo.setAttribute("aria-busy", "true");  // ciò che si vede è ancora di prima
      const intero = await vivo.chiedi("translate", { strategy: "greedy" });
      const meno = await vivo.chiedi("translate", { strategy: "greedy", ...vivo.opzioni() });
      if (qui !== mio) return;
      prima.replaceChildren(...lato("intero", intero, prove.intero));
      dopo.removeAttribute("aria-busy");
      dopo.replaceChildren(...lato("senza", meno, conti.resta(prove, vivo)));
      const quanti = vivo.tolti.size + Boolean(vivo.encoder) + Boolean(vivo.decoder);
      dice(!quanti ? "Nulla è tolto." : intero.text === meno.text ? "La traduzione è la stessa: di ciò che si è tolto, questa frase può fare a meno." : "La traduzione cambia; quanto conti quel pezzo lo dice il BLEU, su molte frasi: una sola può ingannare.");
    }

    let caricato = Boolean(vivo.fatti);
    vivo.ascolta(() => {
      if (!caricato && vivo.fatti) { caricato = true; comanda(); }
      mostra().catch((errore) => errore.name === "AbortError" || dice(errore.message));
    });
    comanda();
    mostra().catch((errore) => dice(errore.message));
    if (!vivo.fatti) dice("Chiede il modello: si carica qui o più su, una volta per tutti.");
  });
})();
