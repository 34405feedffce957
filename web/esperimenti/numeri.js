// Una testa, tutti i numeri: per una parola che guarda, i prodotti q · k, la divisione per √d_k, la softmax, e quanto
// della sua uscita viene da questa testa.
(() => {
  const { fai, numero, bottone, scelta, tabella, vivo, nuovo } = Esperimenti;
  const POSTI = [["encoder", "self_attention", "encoder"], ["decoder", "self_attention", "decoder"], ["decoder", "cross_attention", "encoder–decoder"]];

  const conti = {
    // La parte di una riga che tocca alla testa h.
    testa: (riga, h, n_heads) => riga.subarray((h * riga.length) / n_heads, ((h + 1) * riga.length) / n_heads),
    scalare: (a, b) => a.reduce((somma, x, i) => somma + x * b[i], 0),
    // Ogni passo dell’equazione (1) per la riga i: prodotti, punteggi, pesi; rifatti qui da q e dalle k.
    passi(q, chiavi, d_k) {
      const prodotti = chiavi.map((k) => conti.scalare(q, k)), punteggi = prodotti.map((x) => x / Math.sqrt(d_k));
      const alto = Math.max(...punteggi), e = punteggi.map((x) => Math.exp(x - alto)), somma = e.reduce((a, b) => a + b, 0);
      return { prodotti, punteggi, pesi: e.map((x) => x / somma) };
    },
    // La tabella che si copia, per un foglio di calcolo.
    testo: (nomi, { prodotti, punteggi, pesi }) =>
      ["parola\tq·k\tq·k / √d_k\tpeso", ...nomi.map((nome, j) => [nome, prodotti[j], punteggi[j], pesi[j]].map((x) => (typeof x === "number" ? numero(x, 4) : x)).join("\t"))].join("\n"),
    // Le componenti di q e di ogni k, una riga per vettore: con le tabulazioni per un foglio di calcolo, o in colonna.
    vettori(parola, q, nomi, k, inColonna = false) {
      const righe = [[`q «${parola}»`, q], ...nomi.map((nome, j) => [`k «${nome}»`, k[j]])];
      const largo = inColonna ? Math.max(...righe.map(([titolo]) => titolo.length)) : 0;
      return righe.map(([titolo, x]) => [titolo.padEnd(largo), ...Array.from(x, (v) => numero(v, 4).padStart(inColonna ? 9 : 0))].join(inColonna ? "" : "\t")).join("\n");
    },
  };

  nuovo("numeri", conti, (posto, dice) => {
    const { unita, riga: rigaDi } = Esperimenti.conti.vivo, { striscia } = vivo;
    const campo = fai("div");
    posto.append(campo);
    const qui = { posto: 2, strato: 2, testa: 0, parola: 0 };
    let giro = 0, presi = null;

    async function prendi() {
      if (!posto.contains(campo)) return;
      if (!vivo.fatti) return vivo.invita(campo, dice);
      if (!vivo.esito) return;
      const mio = ++giro;
      const scritti = vivo.esito.tokens.filter(({ piece }) => !piece.startsWith("<")).map(({ token }) => token);
      const esito = await vivo.chiedi("intermediates", { ...vivo.opzioni(), prefix: scritti });
      if (mio !== giro) return;
      presi = esito;
      disegna();
    }

    function disegna() {
      const { config } = vivo.fatti, [pila, attenzione, titolo] = POSTI[qui.posto];
      const legge = presi.source.map(({ piece }) => unita(piece));
      const scrive = [...presi.target.slice(1).map(({ piece }) => unita(piece)), "(fine)"];
      const chi = pila === "encoder" ? legge : scrive, chiavi = attenzione === "cross_attention" || pila === "encoder" ? legge : scrive;
      qui.parola = Math.min(qui.parola, chi.length - 1);
      const at = `${pila}.${qui.strato}.${attenzione}`, v = presi.values, d_k = config.d_model / config.n_heads;
      const voci = (quanti) => Array.from({ length: quanti }, (_, i) => [i, `${i + 1}`]);
      const scelte = [
        scelta("attenzione", POSTI.map(([, , nome], i) => [i, nome]), qui.posto, (i) => { qui.posto = i; disegna(); }),
        scelta("strato", voci(config.n_layers), qui.strato, (i) => { qui.strato = i; disegna(); }),
        scelta("testa", voci(config.n_heads), qui.testa, (i) => { qui.testa = i; disegna(); }),
      ];
      const parole = fai("select", { "aria-label": "Parola che guarda" }, ...chi.map((parola, i) => fai("option", { value: i }, parola)));
      parole.value = qui.parola;
      parole.addEventListener("change", () => { qui.parola = Number(parole.value); disegna(); });
      const riga = fai("label", { class: "vivo-parola-scelta" }, fai("span", { class: "esp-titolo" }, pila === "encoder" ? "parola che guarda" : "unità che si scrive"), parole);
      const comandi = fai("div", { class: "esp-comandi" }, ...scelte.map((s) => s.riga), riga);
      if (!v[`${at}.Q`]) {
        campo.replaceChildren(comandi);
        return dice("Questa attenzione è spenta.");
      }
      const q = conti.testa(rigaDi(v[`${at}.Q`], qui.parola), qui.testa, config.n_heads);
      const visibili = pila === "decoder" && attenzione === "self_attention" && !vivo.tolti.has("causal_mask") ? qui.parola + 1 : chiavi.length;
      const k = Array.from({ length: visibili }, (_, j) => conti.testa(rigaDi(v[`${at}.K`], j), qui.testa, config.n_heads));
      const passi = conti.passi(q, k, vivo.tolti.has("scale") ? 1 : d_k), nomi = chiavi.slice(0, visibili);
      const tavola = tabella(`«${chi[qui.parola]}» guarda`, nomi, ["q·k", "÷ √d_k", "peso"], { cifre: 2 });
      tavola.mostra(nomi.map((_, j) => [passi.prodotti[j], passi.punteggi[j], passi.pesi[j]]));
      const teste = Array.from({ length: config.n_heads }, (_, h) => v[`${at}.heads.${h}.share`]);
      const quota = teste[qui.testa] ? rigaDi(teste[qui.testa], qui.parola) : null;
      const copia = bottone("Copia come tabella", async () => {
        try {
          await navigator.clipboard.writeText(`${conti.testo(nomi, passi)}\n\n${conti.vettori(chi[qui.parola], q, nomi, k)}`);
          dice("Copiata: si incolla in un foglio di calcolo.");
        } catch {
          dice("Il browser non lascia copiare da qui: la tabella si può scegliere e copiare a mano.");
        }
      });
      campo.replaceChildren(comandi, fai("div", { class: "vivo-vettori" }, striscia(`query, q di «${chi[qui.parola]}», ${d_k} numeri`, q),
        ...nomi.map((nome, j) => striscia(`chiave, k di «${nome}»`, k[j]))),
      fai("details", { class: "vivo-componenti" }, fai("summary", {}, "le componenti, una per una"), fai("pre", { tabindex: 0 }, conti.vettori(chi[qui.parola], q, nomi, k, true))), tavola.elemento,
      ...(quota ? [striscia(`ciò che W^O fa di questa testa, ${quota.length} numeri`, quota)] : []), copia);
      const primo = passi.pesi.indexOf(Math.max(...passi.pesi));
      dice(`${titolo}, strato ${qui.strato + 1}, testa ${qui.testa + 1}: «${chi[qui.parola]}» dà a «${nomi[primo]}» il peso ${numero(passi.pesi[primo])}, perché il loro prodotto è ${numero(passi.prodotti[primo], 1)}, il più alto; ${vivo.tolti.has("scale") ? "la divisione è tolta" : `diviso per √${d_k} fa ${numero(passi.punteggi[primo])}`}.`);
    }

    vivo.ascolta(() => prendi().catch((errore) => errore.name === "AbortError" || dice(errore.message)));
    prendi();
    if (!vivo.fatti) dice("Chiede il modello: si carica qui o più su, una volta per tutti.");
  });
})();
