// La figura 1 dell’articolo, dalle chiamate che il modello fa traducendo la frase di chi legge: le scatole sono i valori
// che ha mostrato, nell’ordine in cui li ha mostrati. Di ciascuna, che cosa entra, che cosa esce, la formula, i parametri.
(() => {
  const { fai, svg, numero, barre, cursore, scelta, vivo, nuovo } = Esperimenti;
  const SCATOLA = /^(?:(?:source|target)\.(?:embedding|positions)|(encoder|decoder)\.(\d+)\.(?:self_attention|cross_attention|feed_forward|residuals\.\d+)|logits)$/;
  // Le specie di scatola, nell’ordine in cui il testo qui sopra ne dà le formule, e come si scrivono nel disegno.
  const SPECIE = {
    embedding: "embedding", positions: "codifica posizionale", self_attention: "attenzione multi-testa", masked: "attenzione mascherata",
    cross_attention: "attenzione encoder-decoder", residuals: "somma e normalizzazione", feed_forward: "feed-forward", logits: "lineare", softmax: "softmax",
  };

  const conti = {
    SPECIE,
    specie(nome) {
      if (/^decoder\.\d+\.self_attention$/.test(nome)) return "masked";
      return Object.keys(SPECIE).find((specie) => nome.includes(specie));
    },
    // Dai nomi dei valori, nell’ordine in cui il modello li mostra, alle colonne della figura, dal basso: ciò che sta sotto
    // gli strati, gli strati, ciò che sta sopra. Una scatola spenta non si mostra, e qui manca.
    albero(nomi) {
      const colonne = { encoder: { sotto: [], strati: [], sopra: [] }, decoder: { sotto: [], strati: [], sopra: [] } };
      for (const nome of nomi) {
        const [scatola, pila, strato] = SCATOLA.exec(nome) ?? [];
        if (!scatola) continue;
        if (pila) (colonne[pila].strati[strato] ??= []).push(nome);
        else if (nome === "logits") colonne.decoder.sopra.push(nome, "softmax");
        else colonne[nome.startsWith("source") ? "encoder" : "decoder"].sotto.push(nome);
      }
      return colonne;
    },
    // I valori che entrano in una scatola, quelli che vi nascono, quello che ne esce: [che cosa è, nome].
    valori(nome, strati) {
      const [pila, strato, ...resto] = nome.split("."), at = `${pila}.${strato}`, specie = conti.specie(nome);
      const prima = Number(strato) ? `${pila}.${strato - 1}` : `${pila === "encoder" ? "source" : "target"}.positions`;
      const z = `encoder.${strati - 1}`, quale = Number(resto.at(-1));
      const sotto = resto[0] === "cross_attention" ? `${at}.residuals.0` : prima;
      const casi = {
        embedding: { entra: [], esce: nome },
        positions: { entra: [["dall’embedding", `${pila}.embedding`]], esce: nome },
        cross_attention: { entra: [["x, per Q", sotto], ["z, per K e V", z]], dentro: [["Q", `${nome}.Q`], ["teste affiancate", `${nome}.concat`]], esce: nome },
        feed_forward: { entra: [["x", `${at}.residuals.${pila === "encoder" ? 0 : 1}`]], dentro: [["dopo la ReLU", `${nome}.hidden`]], esce: nome },
        residuals: {
          entra: [["x, che ha saltato il sottostrato", quale ? `${at}.residuals.${quale - 1}` : prima],
            ["uscita del sottostrato", [`${at}.self_attention`, ...(pila === "encoder" ? [] : [`${at}.cross_attention`]), `${at}.feed_forward`][quale]]],
          esce: nome,
        },
        logits: { entra: [["x", null]], esce: nome },
      };
      casi.self_attention = { entra: [["x, per Q, K e V", sotto]], dentro: [["Q", `${nome}.Q`], ["K", `${nome}.K`], ["V", `${nome}.V`], ["teste affiancate", `${nome}.concat`]], esce: nome };
      return { dentro: [], ...casi[specie === "masked" ? "self_attention" : specie] };
    },
    // I parametri di una scatola, dall’elenco [nome, righe, colonne]: una matrice per cui si moltiplica una riga x ha tante
    // righe quante componenti ha x. Rende [nome, forma].
    parametri(nome, tensori) {
      const [specie, inizio] = [conti.specie(nome), ["embedding", "logits"].includes(conti.specie(nome)) ? "embedding." : `${nome}.`];
      if (specie === "softmax" || specie === "positions") return [];
      return tensori.filter(([t]) => t.startsWith(inizio)).map(([t, righe, colonne]) =>
        [t.slice(inizio.length), colonne === undefined ? [righe] : inizio === "embedding." ? [righe, colonne] : [colonne, righe]]);
    },
    quanti: (parametri) => parametri.reduce((somma, [, forma]) => somma + forma.reduce((a, b) => a * b), 0),
  };

  // Dove sta ogni scatola nel disegno: due colonne dal basso, lo spazio di una riga, quello sopra gli strati.
  const [LARGA, ALTA, PASSO, SOTTO, SOPRA] = [164, 35, 50, 34, 14];
  const COLONNE = { encoder: { x: 14, salta: 4 }, decoder: { x: 204, salta: 378 } };

  nuovo("figura", conti, (posto, dice) => {
    const { unita, riga, norma } = Esperimenti.conti.vivo;
    const campo = fai("div");
    posto.append(campo);
    const formule = [...posto.parentElement.querySelectorAll(".esperimento-fermo dl")].flatMap((dl) => [...dl.children]);
    const formula = (specie) => formule.filter((e) => e.matches("dd"))[Object.keys(SPECIE).indexOf(specie)];
    const nomeIntero = (specie) => formule.filter((e) => e.matches("dt"))[Object.keys(SPECIE).indexOf(specie)].textContent;
    const qui = { nome: "encoder.0.self_attention", strato: 0, legge: 0, scrive: 0 };
    let presi = null, occupato = false, ancora = false, disegno = null, pannello = null, parti = null;

    // I token che il modello ha scritto; il passo «scrive» è quello in cui, letti i primi, sceglie il seguente.
    const scelti = () => vivo.esito.tokens.map(({ token }) => token);

    // Le richieste vengono una dopo l’altra: mentre se ne serve una, delle altre conta l’ultima.
    async function prendi() {
      if (!posto.contains(campo)) return;
      if (!vivo.fatti) return vivo.invita(campo, dice);
      if (!vivo.esito) return;
      ancora = true;
      if (occupato) return;
      occupato = true;
      try {
        while (ancora) {
          ancora = false;
          qui.scrive = Math.min(qui.scrive, scelti().length - 1);
          presi = await vivo.chiedi("intermediates", { ...vivo.opzioni(), prefix: scelti().slice(0, qui.scrive) });
        }
        mostra();
      } finally {
        occupato = false;
      }
    }

    function mostra() {
      const albero = conti.albero(Object.keys(presi.values));
      const strati = Math.max(albero.encoder.strati.length, albero.decoder.strati.length);
      qui.strato = Math.min(qui.strato, strati - 1);
      qui.legge = Math.min(qui.legge, presi.source.length - 1);
      const chiave = JSON.stringify([albero, presi.source, scelti()]);
      if (chiave !== parti?.chiave) nasce(albero, strati, chiave);
      disegna(albero);
      spiega(albero);
    }

    function nasce(albero, strati, chiave) {
      const pezzo = ({ piece }) => (piece.startsWith("<") ? "fine" : unita(piece));
      const passi = vivo.esito.tokens.map(pezzo), letti = presi.source.map(pezzo);
      const legge = cursore("unità inglese", { min: 0, max: letti.length - 1, passo: 1, valore: qui.legge, scrivi: (i) => letti[i] }, (i) => { qui.legge = i; mostra(); });
      const scrive = cursore("unità che si scrive", { min: 0, max: passi.length - 1, passo: 1, valore: qui.scrive, scrivi: (i) => passi[i] }, (i) => { qui.scrive = i; prendi().catch(lamenta); });
      const quale = scelta("strato", Array.from({ length: strati }, (_, i) => [i, `${i + 1}`]), qui.strato, (i) => {
        qui.nome = qui.nome.replace(/\.\d+\./, `.${i}.`);
        qui.strato = i;
        mostra();
      });
      disegno = fai("div", { class: "fig-disegno", role: "radiogroup", "aria-label": "Le scatole della figura 1, dal basso" });
      pannello = fai("div", { class: "fig-pannello" });
      campo.replaceChildren(fai("div", { class: "esp-comandi" }, quale.riga, legge.riga, scrive.riga), fai("div", { class: "fig-due" }, disegno, pannello));
      parti = { chiave, passi, letti };
    }

    // ---------------------------------------------------------------- il disegno
    const dove = (nome) => (/^(?:encoder|source)/.test(nome) ? "encoder" : "decoder");
    const ultimo = () => presi.target.length - 1;
    const posizione = (nome) => (dove(nome) === "encoder" ? qui.legge : ultimo());
    const valore = (nome) => presi.values[nome];
    // la riga di un valore che tocca alla parola scelta; dei logit ce n’è una sola
    const rigaDi = (nome) => riga(valore(nome), nome === "logits" ? 0 : posizione(nome));

    function disegna(albero) {
      const file = Object.fromEntries(Object.entries(albero).map(([pila, { sotto, strati, sopra }]) => {
        const strato = strati[Math.min(qui.strato, strati.length - 1)];
        return [pila, { prima: sotto.length, strato, tutte: [...sotto, ...strato, ...sopra], quanti: strati.length }];
      }));
      const tutte = [...file.encoder.tutte, ...file.decoder.tutte];
      if (!tutte.includes(qui.nome)) qui.nome = tutte.find((nome) => conti.specie(nome) === conti.specie(qui.nome)) ?? tutte[0];
      const alto = SOTTO + PASSO * Math.max(file.encoder.tutte.length, file.decoder.tutte.length) + SOPRA + 8;
      // l’orlo di sopra della scatola i di una colonna
      const orlo = ({ prima, strato }) => (i) => alto - SOTTO - ALTA - PASSO * i - (i >= prima + strato.length ? SOPRA : 0);
      const tratti = [], scatole = [];
      const linea = (d, freccia = true) => tratti.push(svg("path", { class: "fig-linea", d, "marker-end": freccia && "url(#fig-punta)" }));
      const scritta = (x, alto, testo, classe = "fig-parola") => svg("text", { x, y: alto, class: classe, "text-anchor": "middle" }, testo);
      for (const [pila, colonna] of Object.entries(file)) {
        const { prima, strato, tutte, quanti } = colonna, y = orlo(colonna), { x, salta } = COLONNE[pila], mezzo = x + LARGA / 2, [da, a] = [prima, prima + strato.length - 1];
        tratti.push(svg("rect", { class: "fig-strato", x: Math.min(x, salta) - 3, y: y(a) - 8, width: LARGA + 17, height: y(da) - y(a) + ALTA + 18, rx: 5 }));
        tratti.push(scritta(mezzo, alto - 5, pila === "encoder" ? `«${parti.letti[qui.legge]}»` : qui.scrive ? `«${parti.passi[qui.scrive - 1]}»` : "(inizio)"));
        tutte.forEach((nome, i) => {
          linea(`M${mezzo} ${i ? y(i - 1) : alto - 18}V${y(i) + ALTA + 1}`);
          if (conti.specie(nome) === "residuals") {  // la connessione che salta il sottostrato, se c’è
            const prima = conti.specie(tutte[i - 1]) === "residuals" ? i : i - 1, giu = y(prima) + ALTA + 8;
            if (!vivo.tolti.has("residuals") && !vivo.tolti.has(nome)) linea(`M${mezzo} ${giu}H${salta}V${y(i) + ALTA / 2}H${x + (salta > x ? LARGA : 0)}`);
          }
          scatole.push([nome, x, y(i)]);
        });
        tratti.push(scritta(salta < x ? x + 30 : x + LARGA - 30, y(a) - 12, `strato ${Math.min(qui.strato, quanti - 1) + 1}/${quanti}`, "fig-quale"));
      }
      const { encoder, decoder } = file, incrocio = decoder.tutte.findIndex((nome) => conti.specie(nome) === "cross_attention");
      const cima = orlo(encoder)(encoder.tutte.length - 1), [e, d] = [COLONNE.encoder, COLONNE.decoder];
      if (incrocio >= 0) linea(`M${e.x + LARGA / 2} ${cima}V${cima - 26}H${(e.x + LARGA + d.x) / 2}V${orlo(decoder)(incrocio) + ALTA / 2}H${d.x}`);
      tratti.push(scritta(d.x + LARGA / 2, orlo(decoder)(decoder.tutte.length - 1) - 8, `«${parti.passi[qui.scrive]}»`));

      const punta = svg("defs", {}, svg("marker", { id: "fig-punta", viewBox: "0 0 6 6", refX: 5, refY: 3, markerWidth: 6, markerHeight: 6, orient: "auto" }, svg("path", { d: "M0 0L6 3L0 6z" })));
      const aveva = disegno.contains(document.activeElement);
      disegno.replaceChildren(svg("svg", { class: "esp-disegno", viewBox: `0 0 382 ${alto}` }, punta, svg("g", { "aria-hidden": "true" }, ...tratti),
        ...scatole.map(([nome, x, alta]) => {
          const specie = conti.specie(nome), scelta = nome === qui.nome;
          const lunga = nome === "softmax" ? "" : `lunghezza ${numero(norma(rigaDi(nome)))}`;
          const detto = `${dove(nome)}, ${nomeIntero(specie)}${lunga && `: ${lunga}`}`;
          const g = svg("g", { class: `fig-scatola fig-${specie}`, role: "radio", "aria-checked": `${scelta}`, "aria-label": detto, tabindex: scelta ? 0 : -1, "data-nome": nome },
            svg("rect", { x, y: alta, width: LARGA, height: ALTA, rx: 3 }),
            svg("text", { x: x + LARGA / 2, y: alta + (lunga ? 15 : 21), "text-anchor": "middle", "aria-hidden": "true" }, SPECIE[specie]),
            svg("text", { x: x + LARGA / 2, y: alta + 29, "text-anchor": "middle", class: "fig-numero", "aria-hidden": "true" }, lunga));
          g.addEventListener("click", () => scegli(nome, true));
          return g;
        })));
      disegno.onkeydown = (evento) => {
        const mossa = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1, Enter: 0, " ": 0 }[evento.key];
        if (mossa === undefined || evento.ctrlKey || evento.metaKey || evento.altKey) return;
        evento.preventDefault();
        scegli(tutte.at((tutte.indexOf(qui.nome) + mossa) % tutte.length), false);
      };
      if (aveva) disegno.querySelector('[aria-checked="true"]').focus();
    }

    function scegli(nome, tocco) {
      qui.nome = nome;
      mostra();
      disegno.querySelector('[aria-checked="true"]').focus({ preventScroll: true });
      if (tocco && pannello.getBoundingClientRect().top > innerHeight - 80) pannello.scrollIntoView({ block: "end" });
    }

    // ---------------------------------------------------------------- la scatola scelta
    const forma = (numeri) => numeri.map((x) => numero(x, 0)).join(" × ");

    function vettore([titolo, nome]) {
      const v = valore(nome);
      if (!v) return fai("p", { class: "esp-titolo" }, `${titolo}: zeri, perché quel pezzo è spento`);
      const x = rigaDi(nome), scritto = `${titolo}, ${forma([v.rows, v.columns])}`;
      if (v.columns > 2048) return fai("p", { class: "esp-titolo" }, `${scritto} · lunghezza ${numero(norma(x))}`);
      return vivo.striscia(scritto, x);
    }

    function spiega(albero) {
      const { nome } = qui, specie = conti.specie(nome), pila = dove(nome), ultimoStrato = `decoder.${albero.decoder.strati.length - 1}`;
      const { entra, dentro, esce } = specie === "softmax" ? { entra: [["logit", "logits"]], dentro: [], esce: null } : conti.valori(nome, albero.encoder.strati.length);
      const chi = pila === "encoder" ? parti.letti[qui.legge] : qui.scrive ? parti.passi[qui.scrive - 1] : "(inizio)";
      const parametri = conti.parametri(nome, vivo.fatti.tensors), quanti = conti.quanti(parametri);
      const strato = /\.\d+\./.test(nome) ? `, strato ${qui.strato + 1}` : "";
      const posta = formula(specie).cloneNode(true);
      const gruppo = (titolo, ...figli) => fai("div", { class: "fig-gruppo" }, fai("h4", {}, titolo), ...figli);
      const righe = [];
      if (specie === "embedding") righe.push(gruppo("entra", fai("p", {}, `«${chi}», unità numero ${numero((pila === "encoder" ? presi.source[qui.legge] : presi.target[ultimo()]).token, 0)}`)));
      else righe.push(gruppo("entra", ...entra.map(([titolo, di]) => vettore([titolo, di ?? ultimoStrato]))));
      if (specie === "positions") righe[0].append(fai("p", { class: "esp-titolo" }, `si somma PE, posizione ${posizione(nome)}`));
      if (dentro.some(([, di]) => valore(di))) righe.push(gruppo("dentro", ...dentro.filter(([, di]) => valore(di)).map(vettore)));
      if (esce) righe.push(gruppo("esce", vettore([specie === "logits" ? "un logit per unità" : `la riga di «${chi}»`, esce])));
      else {
        const tavola = barre("le cinque più probabili", presi.candidates.map(({ piece }) => (piece.startsWith("<") ? "fine" : unita(piece))), { cifre: 3 });
        tavola.mostra(presi.candidates.map(({ logProb }) => Math.exp(logProb)));
        righe.push(gruppo("esce", tavola.elemento));
      }
      const elenco = parametri.map(([di, lati]) => fai("li", {}, fai("code", {}, di), ` ${forma(lati)}`));
      righe.push(gruppo(parametri.length ? `parametri: ${numero(quanti, 0)}` : "parametri: nessuno", fai("ul", {}, ...elenco)));
      pannello.replaceChildren(fai("p", { class: "fig-titolo" }, fai("strong", {}, nomeIntero(specie)), `, ${pila}${strato}`), fai("div", { class: "fig-formula" }, ...posta.childNodes), ...righe);
      dice(`${nomeIntero(specie)}, ${pila}${strato}. ${parametri.length ? `${numero(quanti, 0)} parametri` : "Nessun parametro"}${esce ? `; ne esce ${forma([valore(esce).rows, valore(esce).columns])}, e la riga di «${chi}» è lunga ${numero(norma(rigaDi(esce)))}` : `; l’unità più probabile ha probabilità ${numero(Math.exp(presi.candidates[0].logProb))}`}.`);
    }

    const lamenta = (errore) => errore.name === "AbortError" || dice(errore.message);
    vivo.ascolta(() => prendi().catch(lamenta));
    prendi().catch(lamenta);
    if (!vivo.fatti) dice("Chiede il modello: si carica qui o più su, una volta per tutti.");
  });
})();
