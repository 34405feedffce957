// Una frase inglese, scritta da chi legge, e la sua traduzione un’unità alla volta: di ciascuna, che cos’altro poteva
// venire; scegliendolo, la frase va di là.
(() => {
  const { fai, numero, bottone, cursore, scelta, barre, vivo, nuovo } = Esperimenti;
  const FRASI = [
    "thank you very much.", "the central bank must be independent.", "we want clear rules for everyone.",
    "the vote will take place tomorrow at noon.", "this is not a good idea.", "citizens do not trust these promises.",
    "we cannot accept this proposal because it comes too late.", "the sea does not know any borders.",
    "what do you think of this report?", "every country must do its part.", "madam president, the debate is closed.",
    "the cat sleeps on the table.",
  ];

  const conti = {
    // La probabilità da un logaritmo.
    probabilita: (logaritmo) => Math.exp(logaritmo),
    // Ciò che si legge di una traduzione: quante unità, e la probabilità media di ciascuna.
    riassunto: ({ tokens, logProb }) => ({ quante: tokens.length, media: Math.exp(logProb / tokens.length) }),
    frasi: FRASI,
  };

  nuovo("traduci", conti, (posto, dice) => {
    const { unita, nuova } = Esperimenti.conti.vivo;
    vivo.frase ??= FRASI[1];
    const campo = fai("textarea", { rows: 2, lang: "en", spellcheck: "false", "aria-label": "Frase inglese da tradurre" });
    campo.value = vivo.frase;
    const pronte = fai("select", { class: "vivo-frasi", "aria-label": "Frasi pronte" }, fai("option", { value: "" }, "una frase pronta…"),
      ...FRASI.map((frase) => fai("option", { value: frase, lang: "en" }, frase)));
    const modo = scelta("come sceglie", [["greedy", "la più probabile"], ["beam", "beam search"], ["sample", "a sorte"]], vivo.strategia, mostraModo);
    const ampiezza = cursore("ampiezza", { min: 1, max: 8, passo: 1, valore: vivo.ampiezza, scrivi: (x) => numero(x, 0) }, () => {});
    const alfa = cursore("α", { min: 0, max: 2, passo: 0.1, valore: vivo.alfa, scrivi: (x) => numero(x, 1), nome: "alfa" }, () => {});
    const calda = cursore("temperatura", { min: 0.1, max: 2, passo: 0.1, valore: vivo.temperatura, scrivi: (x) => numero(x, 1) }, () => {});
    const primi = cursore("top-k", { min: 1, max: 50, passo: 1, valore: vivo.primi, scrivi: (x) => numero(x, 0) }, () => {});
    const massa = cursore("top-p", { min: 0.1, max: 1, passo: 0.05, valore: vivo.massa }, () => {});
    const comandi = fai("div", { class: "esp-comandi" }), altri = fai("div", { class: "esp-comandi" });
    const uscita = fai("ol", { class: "vivo-unita", "aria-label": "Traduzione, un’unità alla volta" });
    const accanto = fai("div", { class: "vivo-candidati" });
    posto.append(fai("div", { class: "vivo-scrivi" }, campo, pronte), comandi, altri, uscita, accanto);
    let giro = 0, sorteggi = 0;

    const vai = bottone("Traduci", () => traduci([]), { class: "esp-bottone vivo-vai" });
    const manda = bottone("Copia il collegamento", async () => {
      vivo.segna();
      try {
        await navigator.clipboard.writeText(location.href);
        dice("Copiato: chi lo apre ritrova la frase, ciò che si è tolto, come si sceglie.");
      } catch {
        dice("Il browser non lascia copiare da qui: il collegamento è nella barra dell’indirizzo.");
      }
    });
    const ferma = bottone("Ferma", () => vivo.ferma(), { hidden: true });
    pronte.addEventListener("change", () => { if (pronte.value) { campo.value = pronte.value; pronte.value = ""; pronti(); } });
    campo.addEventListener("keydown", (evento) => {
      if (evento.key !== "Enter" || evento.shiftKey) return;
      evento.preventDefault();
      pronti();
    });
    const scritto = (piece) => (piece.startsWith("<") ? "fine" : unita(piece));
    const unaVoce = (piece, dentro) => fai("li", { class: nuova(piece) ? "vivo-parola" : null, lang: piece.startsWith("<") ? null : "it" }, dentro);
    const pronti = () => vivo.fatti && traduci([]);

    function mostraModo() {
      const righe = { greedy: [], beam: [ampiezza, alfa], sample: [calda, primi, massa] }[modo.valore];
      altri.replaceChildren(...righe.map(({ riga }) => riga));
    }

    function comanda() {
      if (!vivo.fatti) return vivo.invita(comandi, dice);
      comandi.replaceChildren(vai, ferma, modo.riga, manda);
    }

    async function traduci(prefisso) {
      const mio = ++giro, strategy = modo.valore;
      Object.assign(vivo, { frase: campo.value, strategia: strategy, ampiezza: ampiezza.valore, alfa: alfa.valore });
      Object.assign(vivo, { temperatura: calda.valore, primi: primi.valore, massa: massa.valore });
      if (strategy === "sample" && sorteggi++) vivo.seme++;  // il primo è quello dell’indirizzo, poi ogni volta un altro
      vivo.ferma();
      vivo.segna();
      const opzioni = { ...vivo.opzioni(), strategy, prefix: prefisso };
      if (strategy === "beam") Object.assign(opzioni, { beam: vivo.ampiezza, alpha: vivo.alfa });
      if (strategy === "sample") Object.assign(opzioni, { temperature: vivo.temperatura, topK: vivo.primi, topP: vivo.massa, seed: vivo.seme });
      uscita.replaceChildren();
      accanto.replaceChildren();
      ferma.hidden = false;
      try {
        const esito = await vivo.chiedi("translate", opzioni, (passo) => {
          if (mio === giro && passo.piece !== undefined) uscita.append(unaVoce(passo.piece, scritto(passo.piece)));
        });
        if (mio !== giro) return;
        vivo.esito = esito;
        scrivi(esito);
        vivo.di();
      } catch (errore) {
        if (mio === giro && errore.name !== "AbortError") dice(errore.message);
      } finally {
        if (mio === giro) ferma.hidden = true;
      }
    }

    function scrivi(esito) {
      const { quante, media } = conti.riassunto(esito);
      uscita.replaceChildren(...esito.tokens.map(({ piece, logProb }, i) => {
        const scritta = scritto(piece);
        const b = bottone(scritta, () => apri(i), { class: "vivo-unita-scelta", "aria-label": `${scritta}: ${numero(100 * conti.probabilita(logProb), 0)} per cento; che cos’altro poteva venire` });
        b.style.setProperty("--sicura", `${Math.round(100 * conti.probabilita(logProb))}%`);
        return unaVoce(piece, b);
      }));
      const persi = esito.lost.length ? ` Non conosce: ${esito.lost.join(" ")}` : "";
      dice(`«${esito.text}»: ${quante} unità, ciascuna in media con probabilità ${numero(media)}; di tutta la frase, il logaritmo è ${numero(esito.logProb)}.${persi} Toccando un’unità si vede che cos’altro poteva venire.`);
    }

    async function apri(i) {
      const mio = giro, prefisso = vivo.esito.tokens.slice(0, i).map(({ token }) => token);
      [...uscita.children].forEach((li, k) => li.classList.toggle("vivo-aperta", k === i));
      try {
        const { candidates } = await vivo.chiedi("step", { ...vivo.opzioni(), prefix: prefisso, candidates: 5 });
        if (mio !== giro) return;
        const nomi = candidates.map(({ piece, token }) => {
          const scritta = piece.startsWith("<") ? "(fine)" : unita(piece);
          return piece.startsWith("<") ? scritta : bottone(scritta, () => traduci([...prefisso, token]), { lang: "it" });
        });
        const tavola = barre("le cinque più probabili in quel posto: con una di queste la frase va di là", nomi, { cifre: 3 });
        tavola.mostra(candidates.map(({ logProb }) => conti.probabilita(logProb)));
        accanto.replaceChildren(tavola.elemento);
      } catch (errore) {
        if (mio === giro && errore.name !== "AbortError") dice(errore.message);
      }
    }

    mostraModo();
    comanda();
    let caricato = Boolean(vivo.fatti), prima = [...vivo.tolti].join();
    vivo.ascolta(() => {
      if (!posto.isConnected || !posto.contains(comandi)) return;
      const ora = [...vivo.tolti, vivo.encoder, vivo.decoder].join();
      if (!caricato && vivo.fatti) { caricato = true; comanda(); prima = ora; traduci([]); } else if (vivo.fatti && ora !== prima) { prima = ora; traduci([]); }
    });
    dice(vivo.fatti ? "" : "Il modello sono nove megabyte, e si caricano soltanto se si chiede. Dopo, tutto si calcola in questa pagina: la frase non ne esce.");
    if (vivo.fatti) traduci([]);
  });
})();
