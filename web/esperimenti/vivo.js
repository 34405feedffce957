// Il traduttore del libro nella pagina: si carica quando lo si chiede, e gli esperimenti di «Il modello dal vivo» lo
// dividono. Qui stanno la frase, ciò che si è tolto e l’ultima traduzione; chi ascolta si rifà quando cambiano.
(() => {
  const { fai, svg, numero, bottone } = Esperimenti;
  const PEZZI = {  // ciò che si toglie tutto insieme: il nome che ha qui, e quali nomi del modello sono
    residuals: (nome) => /\.residuals\.\d$/.test(nome),
    norms: (nome) => nome.endsWith(".norm"),
    cross_attention: (nome) => nome.endsWith(".cross_attention"),
    feed_forward: (nome) => nome.endsWith(".feed_forward"),
  };

  const STRATEGIE = ["greedy", "beam", "sample"];  // la prima è quella che si usa se non si dice

  const conti = {
    // I nomi che il modello conosce, da quelli scelti qui.
    nomi: (tolti, tutti) => [...new Set([...tolti].flatMap((t) => (PEZZI[t] ? tutti.filter(PEZZI[t]) : [t])))],
    // Ciò che l’indirizzo della pagina dice, e viceversa.
    leggi(indirizzo) {
      const p = new URLSearchParams(indirizzo), intero = (nome) => Number(p.get(nome)) || null;
      const entro = (nome, da, a, altrimenti) => (p.get(nome) && p.get(nome) >= da && p.get(nome) <= a ? Number(p.get(nome)) : altrimenti);
      return {
        frase: p.get("frase"), tolti: new Set((p.get("senza") ?? "").split(" ").filter(Boolean)),
        encoder: intero("encoder"), decoder: intero("decoder"),
        strategia: STRATEGIE.includes(p.get("strategia")) ? p.get("strategia") : STRATEGIE[0],
        ampiezza: Math.round(entro("ampiezza", 1, 8, 4)), alfa: entro("alfa", 0, 2, 0.6),
        temperatura: entro("temperatura", 0.1, 2, 1), primi: Math.round(entro("primi", 1, 50, 50)), massa: entro("massa", 0.1, 1, 1),
        seme: Math.round(entro("seme", 1, 2 ** 31, 1)),
      };
    },
    scrivi({ frase, tolti, encoder, decoder, strategia, ampiezza, alfa, temperatura, primi, massa, seme }, indirizzo) {
      const p = new URLSearchParams(indirizzo);
      const altre = { ampiezza: null, alfa: null, temperatura: null, primi: null, massa: null, seme: null };
      const sue = { beam: { ampiezza, alfa }, sample: { temperatura, primi, massa, seme } }[strategia];
      const voci = {
        frase, senza: [...tolti].join(" "), encoder, decoder, strategia: strategia === STRATEGIE[0] ? null : strategia, ...altre, ...sue,
      };
      for (const [nome, valore] of Object.entries(voci)) {
        if (valore || valore === 0) p.set(nome, valore);
        else p.delete(nome);
      }
      return `?${p}`;
    },
    // Un’unità come si mostra: lo spazio che apre una parola si vede appena.
    unita: (pezzo) => pezzo.replace("▁", ""),
    nuova: (pezzo) => pezzo.startsWith("▁"),
    // Una riga di una matrice com’esce dal modello, e quanto è lungo un vettore.
    riga: ({ columns, data }, i) => data.slice(i * columns, (i + 1) * columns),
    norma: (x) => Math.sqrt(x.reduce((somma, v) => somma + v * v, 0)),
  };
  Esperimenti.conti.vivo = conti;
  if (typeof document === "undefined") return;

  const base = new URL("../dal-vivo/", document.currentScript?.src || location.href).href;
  const ascoltano = [];
  let traduttore = null, pronto = null;

  // Chi in questa scheda l’ha già caricato una volta non lo chiede di nuovo a ogni pagina.
  function ricorda() { try { sessionStorage.setItem("modello", "caricato"); } catch { /* da una cartella, in alcuni browser */ } }
  function gia() { try { return sessionStorage.getItem("modello") === "caricato"; } catch { return false; } }

  let scritto = null, chiesto = false;

  // Il programma si scrive nella pagina una volta, chiunque lo chieda.
  function programma() {
    return scritto ??= new Promise((fatto, manca) => {
      if (globalThis.attenzione?.createTranslator) return fatto();
      const script = fai("script", { src: `${base}modello.js` });
      script.onload = () => fatto();
      script.onerror = () => { script.remove(); scritto = null; manca(new Error("Il programma del modello non si trova: il libro va scaricato per intero, o ricostruito.")); };
      document.head.append(script);
    });
  }

  const vivo = Esperimenti.vivo = {
    ...conti.leggi(location.search),
    esito: null,  // l’ultima traduzione, con ciò che si è tolto; intera, senza togliere nulla
    intera: null,
    fatti: null,  // configurazione del modello, una volta caricato
    ascolta(quando) { ascoltano.push(quando); },
    di() { ascoltano.forEach((quando) => quando()); },
    async carica(avanza, segnale) {
      await programma();
      traduttore ??= attenzione.createTranslator({ base });
      pronto ??= traduttore.load(avanza, segnale);
      try {
        vivo.fatti = await pronto;
      } catch (errore) {
        pronto = traduttore = null;
        throw errore;
      }
      ricorda();
      vivo.di();
    },
    ferma: () => traduttore?.cancel(),
    // Le opzioni di chi toglie: quelle che si sono scelte, o nessuna.
    opzioni(tolti = true) {
      if (!tolti) return {};
      const altre = { without: conti.nomi(vivo.tolti, vivo.fatti.ablations) };
      if (vivo.encoder) altre.encoderLayers = vivo.encoder;
      if (vivo.decoder) altre.decoderLayers = vivo.decoder;
      return altre;
    },
    chiedi: (che, opzioni, via) => traduttore[che](vivo.frase, opzioni, via),
    // Ciò che si è scelto, nell’indirizzo: si può mandare a qualcuno.
    segna() {
      try { history.replaceState(null, "", conti.scrivi(vivo, location.search) + location.hash); } catch { /* da una cartella, in alcuni browser */ }
    },
    // Un vettore come striscia: una casella per componente, il colore dice il segno e la grandezza.
    striscia(titolo, x) {
      const alto = x.reduce((a, v) => Math.max(a, Math.abs(v)), 1e-9), lunga = numero(conti.norma(x));
      const caselle = Array.from(x, (v, i) => svg("rect", { x: i, y: 0, width: 1, height: 1, class: v < 0 ? "vivo-meno" : "vivo-piu", "fill-opacity": (Math.abs(v) / alto).toFixed(3) }));
      const disegno = svg("svg", { class: "vivo-striscia", viewBox: `0 0 ${x.length} 1`, preserveAspectRatio: "none", role: "img", "aria-label": `${titolo}: ${x.length} numeri, lunghezza ${lunga}` }, ...caselle);
      return fai("div", { class: "vivo-vettore" }, fai("span", { class: "esp-titolo" }, `${titolo} · lunghezza ${lunga}`), disegno);
    },
    // Chi ha bisogno del modello, e non c’è: un bottone che lo carica, con l’avanzamento; poi si rimonta.
    invita(posto, dice) {
      const segno = fai("progress", { max: 1, value: 0, hidden: true, "aria-label": "Caricamento del modello" });
      let ferma = null;
      const carica = bottone("Carica il modello (9 MB)", async () => {
        if (ferma) return ferma.abort();
        ferma = new AbortController();
        chiesto = true;
        carica.textContent = "Annulla";
        segno.hidden = false;
        try {
          await vivo.carica(({ fraction }) => { segno.value = fraction; }, ferma.signal);
        } catch (errore) {
          if (errore.name !== "AbortError") dice(errore.message);
          carica.textContent = "Carica il modello (9 MB)";
          segno.hidden = true;
        }
        ferma = null;
      }, { class: `esp-bottone vivo-carica${document.querySelector(".vivo-carica") ? " vivo-carica-anche" : ""}` });
      posto.replaceChildren(carica, segno);
      if (gia() && !chiesto) carica.click();
    },
  };
})();
