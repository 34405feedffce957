// Dove guarda ogni testa, mentre si traduce la frase di chi legge: i pesi veri, nella stessa vista delle altre pagine.
(() => {
  const { fai, vivo, nuovo } = Esperimenti;
  const POSTI = { encoder: ["encoder", "self_attention"], decoder: ["decoder", "self_attention"], "encoder-decoder": ["decoder", "cross_attention"] };

  const conti = {
    // Da una matrice com’esce dal modello, righe di interi: i centesimi di ogni peso, come li vuole la vista.
    centesimi: ({ rows, columns, data }) =>
      Array.from({ length: rows }, (_, i) => Array.from(data.subarray(i * columns, (i + 1) * columns), (x) => Math.round(100 * (Number.isNaN(x) ? 0 : x)))),
    // Dagli intermedi alla vista: per ogni attenzione, chi guarda, che cosa guarda, i pesi [strato][testa].
    vista(valori, sorgente, bersaglio, { n_layers, n_heads }) {
      const parole = { encoder: [sorgente, sorgente], decoder: [bersaglio, bersaglio], "encoder-decoder": [bersaglio, sorgente] };
      return Object.fromEntries(Object.entries(POSTI).map(([tipo, [pila, attenzione]]) => {
        const [chi, chiavi] = parole[tipo];
        const pesi = Array.from({ length: n_layers }, (_, strato) => Array.from({ length: n_heads }, (_, testa) => {
          const matrice = valori[`${pila}.${strato}.${attenzione}.heads.${testa}.weights`];
          return matrice ? conti.centesimi(matrice) : chi.map(() => chiavi.map(() => 0));  // spenta
        }));
        return [tipo, { chi, chiavi, pesi }];
      }));
    },
  };

  nuovo("guarda", conti, (posto, dice) => {
    const { unita } = Esperimenti.conti.vivo;
    const campo = fai("div");
    posto.append(campo);
    let mio = 0, scelte = { tipo: "encoder-decoder", strato: null, testa: "" };

    async function mostra() {
      if (!posto.contains(campo)) return;
      if (!vivo.fatti) return vivo.invita(campo, dice);
      if (!vivo.esito) return;
      const qui = ++mio, { tokens } = vivo.esito;
      const scritti = tokens.filter(({ piece }) => !piece.startsWith("<")).map(({ token }) => token);
      const { values, source, target } = await vivo.chiedi("intermediates", { ...vivo.opzioni(), prefix: scritti });
      if (qui !== mio) return;
      // ogni riga del decoder scrive l’unità che segue: la prima, da BOS, la prima parola
      scelte.strato ??= String(vivo.fatti.config.n_layers - 1);  // l’ultimo, il più vicino a ciò che si scrive
      const scrive = [...target.slice(1).map(({ piece }) => unita(piece)), "(fine)"];
      const legge = source.map(({ piece }) => unita(piece));
      const dati = { inizio: { tipo: scelte.tipo, strato: Number(scelte.strato), testa: null, parola: 0 }, frasi: [conti.vista(values, legge, scrive, vivo.fatti.config)] };
      const vista = fai("attenzione-vista", {}, fai("script", { type: "application/json" }, JSON.stringify(dati)));
      campo.querySelectorAll("select").forEach((s, i) => { scelte[["frase", "tipo", "strato", "testa"][i]] = s.value; });
      campo.replaceChildren(vista);
      for (const [nome, valore] of Object.entries(scelte)) {
        const menu = vista.scelta?.[nome];
        if (!menu || nome === "frase" || menu.value === valore) continue;
        menu.value = valore;
        menu.dispatchEvent(new Event("change"));
      }
      dice(vivo.tolti.size ? "I pesi del modello senza ciò che si è tolto." : "I pesi del modello intero, per la frase tradotta qui sopra.");
    }

    vivo.ascolta(() => mostra().catch((errore) => errore.name === "AbortError" || dice(errore.message)));
    mostra();
    if (!vivo.fatti) dice("Chiede il modello: si carica qui o più su, una volta per tutti.");
  });
})();
