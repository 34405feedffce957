// La ricerca nella pagina: la finestra (Ctrl+K) e search.html. Motore, indice e testi si caricano quando si comincia.
document.addEventListener("DOMContentLoaded", () => {
  const radice = document.documentElement;
  const base = radice.dataset.content_root || "./";
  const PAROLE = {
    it: {
      parti: { "": "Tutto", passi: "Parte 0", articolo: "Articolo", laboratorio: "Laboratorio", dopo: "Dopo", domande: "Domande", glossario: "Glossario", strumenti: "Strumenti" },
      filtra: "Dove cercare", nulla: "Nessun titolo per queste parole.", forse: "Forse cercavi ", non: "Al posto di ", uno: "1 risultato", molti: (n) => n < window.RicercaMotore.MASSIMO ? `${n} risultati` : `i primi ${n} risultati`,
      frase: "con queste parole una dopo l’altra", senza: "Nessuna pagina ha queste parole una dopo l’altra. Senza virgolette:", indice: "Si può guardare nell’indice analitico.", altri: "Altri risultati", manca: "L’indice della ricerca non si è caricato.", aspetta: "Cerco…",
    },
    en: {
      parti: { "": "All", passi: "Part 0", articolo: "Paper", laboratorio: "Laboratory", dopo: "Afterwards", domande: "Questions", glossario: "Glossary", strumenti: "Tools" },
      filtra: "Where to search", nulla: "No heading for these words.", forse: "Did you mean ", non: "Instead of ", uno: "1 result", molti: (n) => n < window.RicercaMotore.MASSIMO ? `${n} results` : `the first ${n} results`,
      frase: "with these words in a row", senza: "No page has these words in a row. Without quotation marks:", indice: "You can look in the index (in Italian).", altri: "More results", manca: "The search index did not load.", aspetta: "Searching…",
    },
  };
  const detto = () => PAROLE[radice.dataset.lingua === "en" ? "en" : "it"];
  const crea = (nome, classe, testo = "") => Object.assign(document.createElement(nome), { className: classe, textContent: testo });

  // ---------------------------------------------------------------- ciò che si carica
  const presi = new Map();
  const prendi = (nome) => {
    if (!presi.has(nome)) {
      presi.set(nome, new Promise((fatto, mancato) => {
        const programma = document.createElement("script");
        programma.src = base + "_static/" + nome;
        programma.onload = fatto;
        programma.onerror = () => { presi.delete(nome); mancato(new Error(nome)); };
        document.head.append(programma);
      }));
    }
    return presi.get(nome);
  };
  const testi = new Map();
  window.RICERCA_TESTI = (pagina, suoi) => testi.set(pagina, suoi);
  let motore = null, pronto = null;
  const prepara = () => pronto ??= Promise.all([prendi("js/ricerca-motore.js"), prendi("ricerca/indice.js")]).then(() => {
    motore = window.RicercaMotore.apri(window.RICERCA_INDICE);
    const conto = new Map();  // i testi di una pagina stanno nell’ordine delle sue voci
    for (const voce of motore.voci) {
      voce.posto = conto.get(voce.pagina) ?? 0;
      conto.set(voce.pagina, voce.posto + 1);
    }
  }).catch((errore) => { pronto = null; throw errore; });
  const nomeDi = (voce) => motore.pagine[voce.pagina][0];
  const prendiTesto = (voce) => prendi(`ricerca/${nomeDi(voce).replace(/^chapters\//, "").replaceAll("/", "-")}.js`);
  const brani = (voce) => {
    const piatti = testi.get(nomeDi(voce))?.[voce.posto] ?? [];
    return piatti.flatMap((_, i) => (i % 2 ? [] : [[piatti[i], piatti[i + 1]]]));
  };

  // Una frase fra virgolette si controlla sui testi: una pagina per volta, dalla più probabile, fino a bastarne dieci.
  const PAGINE = 14;
  async function conFrasi({ risultati, frasi }) {
    const buoni = [], viste = new Set();
    for (const voce of risultati) {
      if (buoni.length >= 10) break;
      if (!viste.has(voce.pagina) && viste.size >= PAGINE) continue;
      viste.add(voce.pagina);
      await prendiTesto(voce);
      const tutto = [voce.titolo, ...brani(voce).map(([, testo]) => testo)];
      if (frasi.every((frase) => tutto.some((testo) => window.RicercaMotore.frasi(testo, [frase]).length))) buoni.push(voce);
    }
    return buoni;
  }

  // ---------------------------------------------------------------- ciò che si vede
  const PRIMI = 10;
  // I simboli con un indice o un esponente: «d_k», «W^Q», «QK^T»; non i nomi del codice, che hanno più di una lettera.
  const CON_INDICE = /(?<![\p{L}\p{N}_])(\p{L}|\p{Lu}{2})([_^])(\p{L}+|\p{N}+)(?![\p{L}\p{N}_])/u;
  function componi(testo) {
    const pezzi = testo.split(CON_INDICE), nodi = [pezzi[0]];  // fra un testo e l’altro: base, segno, indice
    for (let i = 1; i < pezzi.length; i += 4) {
      nodi.push(pezzi[i], Object.assign(document.createElement(pezzi[i + 1] === "_" ? "sub" : "sup"), { textContent: pezzi[i + 2] }), pezzi[i + 3]);
    }
    return nodi;
  }

  function evidenzia(dove, testo, segni) {
    let qui = 0;
    for (const [da, a] of segni) {
      const segno = document.createElement("mark");
      segno.append(...componi(testo.slice(da, a)));
      dove.append(...componi(testo.slice(qui, da)), segno);
      qui = a;
    }
    dove.append(...componi(testo.slice(qui)));
  }

  function monta(form) {
    const casella = form.querySelector("input[name='q']"), finestra = form.closest("dialog");
    const tavola = crea("div", "ricerca"), stato = crea("p", "ricerca-stato"), elenco = crea("ol", "ricerca-risultati");
    const filtri = crea("div", "ricerca-filtri");
    filtri.setAttribute("role", "group");
    stato.setAttribute("role", "status");
    stato.setAttribute("aria-live", "polite");
    tavola.hidden = true;
    tavola.append(filtri, stato, elenco);
    form.after(tavola);
    if (finestra) {  // sul telefono la finestra copre tutto, e non c’è Esc
      const chiudi = crea("button", "ricerca-chiudi", "×");
      chiudi.type = "button";
      chiudi.setAttribute("aria-label", "Chiudi");
      chiudi.addEventListener("click", () => finestra.close());
      form.append(chiudi);
    }
    let parte = "", giro = 0, ultima = "";

    function scriviFiltri() {
      filtri.setAttribute("aria-label", detto().filtra);
      const ci = new Set(["", ...motore.pagine.map(([, , sua]) => sua)]);
      filtri.replaceChildren(...Object.entries(detto().parti).filter(([chiave]) => ci.has(chiave)).map(([chiave, nome]) => {
        const bottone = crea("button", "ricerca-filtro", nome);
        bottone.type = "button";
        bottone.setAttribute("aria-pressed", String(chiave === parte));
        bottone.addEventListener("click", () => {
          parte = chiave;
          filtri.querySelectorAll("button").forEach((b) => b.setAttribute("aria-pressed", String(b === bottone)));
          cerca(true);
        });
        return bottone;
      }));
    }

    function riga(voce, radici, frasi) {
      const [nome, pagina] = motore.pagine[voce.pagina];
      const indirizzo = `${base}${nome}.html`;
      const riga = crea("li", "ricerca-risultato"), titolo = crea("a", "ricerca-titolo");
      titolo.href = indirizzo + (voce.ancora ? `#${voce.ancora}` : "");
      if (voce.ancora) {
        const dove = crea("span", "ricerca-pagina");
        dove.append(...componi(pagina));
        titolo.append(dove, " › ");
      }
      const vero = window.RicercaMotore.estratto([["", voce.titolo]], radici, [], 400);
      const nel = crea("span", "ricerca-nome");
      evidenzia(nel, voce.titolo, vero?.segni ?? []);
      titolo.append(nel);
      const brano = crea("p", "ricerca-estratto");
      riga.append(titolo, brano);
      prendiTesto(voce).then(() => {
        const trovato = window.RicercaMotore.estratto(brani(voce), radici, frasi);
        if (!trovato) return brano.remove();
        if (!trovato.ancora) return evidenzia(brano, trovato.testo, trovato.segni);
        const posto = crea("a", "");  // il capoverso ha un indirizzo suo
        posto.href = `${indirizzo}#${trovato.ancora}`;
        posto.tabIndex = -1;
        evidenzia(posto, trovato.testo, trovato.segni);
        brano.append(posto);
      }, () => brano.remove());
      return riga;
    }

    async function cerca(finita = false) {
      const domanda = casella.value.trim(), mio = ++giro;
      ultima = casella.value;
      tavola.hidden = !domanda;
      if (!domanda) return elenco.replaceChildren();
      if (!motore) stato.textContent = detto().aspetta;
      try {
        await prepara();
        if (mio !== giro) return;
        if (!filtri.firstChild) scriviFiltri();
        let esito = motore.cerca(casella.value, { parte, aperta: !finita });
        let trovati = esito.frasi.length ? await conFrasi(esito) : esito.risultati, senza = false;
        if (mio !== giro) return;
        if (esito.frasi.length && !trovati.length) {  // chi cita le parole di un altro non vuole restare a mani vuote
          esito = motore.cerca(casella.value.replace(/["“”«»„]/g, " "), { parte, aperta: !finita });
          [trovati, senza] = [esito.risultati, true];
        }
        mostra(trovati, esito, senza);
      } catch {
        stato.textContent = detto().manca;
        elenco.replaceChildren();
      }
    }

    function mostra(trovati, { parole: radici, frasi, forse }, senza) {
      const d = detto(), quanti = trovati.length;
      stato.replaceChildren(senza && quanti ? `${d.senza} ` : "");
      if (forse) {
        const scelta = crea("a", "ricerca-forse", forse);
        scelta.href = `${base}search.html?q=${encodeURIComponent(forse)}`;
        scelta.addEventListener("click", (evento) => { evento.preventDefault(); casella.value = forse; casella.focus(); cerca(true); });
        stato.append(d.forse, scelta, "? ");
      }
      stato.append(quanti ? (quanti === 1 ? d.uno : d.molti(quanti)) + (frasi.length ? ` ${d.frase}` : "") + "." : d.nulla);
      if (!quanti) {
        const indice = crea("a", "", d.indice);
        indice.href = `${base}genindex.html`;
        stato.append(" ", indice);
      }
      elenco.replaceChildren(...trovati.slice(0, PRIMI).map((voce) => riga(voce, radici, frasi)));
      if (quanti > PRIMI) {
        const altri = crea("button", "ricerca-altri", d.altri);
        altri.type = "button";
        altri.addEventListener("click", () => {
          const nuove = trovati.slice(elenco.querySelectorAll(".ricerca-risultato").length).slice(0, PRIMI).map((voce) => riga(voce, radici, frasi));
          const ultimi = elenco.querySelectorAll(".ricerca-risultato").length + nuove.length >= quanti;
          (ultimi ? altri.parentElement : null)?.remove();
          if (ultimi) elenco.append(...nuove);
          else altri.parentElement.before(...nuove);
          nuove[0]?.querySelector("a").focus();
        });
        const ultima = crea("li", "");
        ultima.append(altri);
        elenco.append(ultima);
      }
    }

    // ---------------------------------------------------------------- tasti
    const fermate = () => [casella, ...elenco.querySelectorAll(".ricerca-titolo, .ricerca-altri")];
    const muovi = (passo) => {
      const tutte = fermate(), qui = tutte.indexOf(document.activeElement);
      const nuova = tutte[Math.min(Math.max((qui < 0 ? 0 : qui) + passo, 0), tutte.length - 1)];
      nuova.focus();
      nuova.scrollIntoView({ block: "nearest" });
    };
    (finestra ?? form.parentElement).addEventListener("keydown", (evento) => {
      if (evento.key === "ArrowDown" || evento.key === "ArrowUp") {
        if (evento.target.closest(".ricerca-filtri")) return;
        evento.preventDefault();
        muovi(evento.key === "ArrowDown" ? 1 : -1);
      } else if (evento.key.length === 1 && !evento.ctrlKey && !evento.metaKey && !evento.altKey && evento.target.matches?.(".ricerca-titolo")) {
        casella.focus();  // si continua a scrivere
      }
    });
    elenco.addEventListener("click", (evento) => {  // un titolo di questa pagina: la finestra ha finito
      if (evento.target.closest("a")) finestra?.close();
    });

    let attesa = 0;
    casella.addEventListener("focus", () => prepara().catch(() => 0));
    casella.addEventListener("input", () => {
      clearTimeout(attesa);
      attesa = setTimeout(() => {
        cerca();
        if (!finestra) ricorda();
      }, motore ? 60 : 0);
    });
    const ricorda = () => {
      const url = new URL(location.href);
      url.searchParams.set("q", casella.value);
      try { history.replaceState(null, "", url); } catch { /* file: in alcuni browser */ }
    };
    form.addEventListener("submit", (evento) => {
      if (finestra) return;  // Invio nella finestra porta alla pagina della ricerca
      evento.preventDefault();
      ricorda();
      cerca(true);
    });
    new MutationObserver(() => { if (motore && filtri.firstChild) { scriviFiltri(); cerca(true); } })
      .observe(radice, { attributes: true, attributeFilter: ["data-lingua"] });
    return (domanda) => { casella.value = domanda; cerca(true); };
  }

  for (const form of document.querySelectorAll("form.bd-search")) {
    const cerca = monta(form);
    if (form.closest("dialog")) continue;
    const domanda = new URLSearchParams(location.search).get("q");
    if (domanda) cerca(domanda);
    else form.querySelector("input").focus();
  }
});
