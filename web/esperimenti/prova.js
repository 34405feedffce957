// La copertina: una riga in cui scrivere, e la traduzione; il modello si carica la prima volta che si chiede.
(() => {
  const { fai, bottone, vivo, nuovo } = Esperimenti;

  const conti = {
    // L’indirizzo della pagina del modello, con la stessa frase; «ora» è quello di adesso.
    seguito: (pagina, frase, ora) => `${pagina}${Esperimenti.conti.vivo.scrivi({ frase, tolti: [] }, ora)}#esperimento-traduci`,
  };

  nuovo("prova", conti, (posto, dice) => {
    const seguito = posto.parentElement.querySelector(".esperimento-fermo a");
    const campo = fai("input", { type: "text", lang: "en", spellcheck: "false", autocomplete: "off", enterkeyhint: "go", "aria-label": "Frase inglese da tradurre" });
    const segno = fai("progress", { max: 1, value: 0, hidden: true, "aria-label": "Caricamento del modello" });
    const uscita = fai("div", { class: "vivo-testo", lang: "it", "aria-live": "polite" });
    const oltre = fai("a", { href: seguito.getAttribute("href") }, "Il modello dal vivo lo mostra al lavoro, e lo smonta");
    const vai = bottone("Traduci", () => traduci(), { class: "esp-bottone vivo-vai" });
    campo.value = vivo.frase ?? "the central bank must be independent.";
    posto.append(fai("form", { class: "vivo-riga" }, campo, vai, segno), uscita, fai("div", {}, oltre));
    posto.querySelector("form").addEventListener("submit", (evento) => { evento.preventDefault(); traduci(); });
    let giro = 0, ferma = null;

    async function traduci() {
      if (ferma) return ferma.abort();  // durante il caricamento lo stesso bottone annulla
      const mio = ++giro;
      try {
        if (!vivo.fatti) {
          ferma = new AbortController();
          segno.hidden = false;
          vai.textContent = "Annulla";
          await vivo.carica(({ fraction }) => { segno.value = fraction; }, ferma.signal);
        }
        torna();
        vivo.ferma();
        vivo.frase = campo.value;
        uscita.textContent = "";
        dice("");
        const { text } = await vivo.chiedi("translate", {}, (passo) => { if (mio === giro) uscita.textContent = passo.text; });
        if (mio !== giro) return;
        uscita.textContent = text || "(niente)";
        oltre.href = conti.seguito(seguito.getAttribute("href"), vivo.frase, location.search);
      } catch (errore) {
        if (errore.name !== "AbortError") dice(errore.message);
      } finally {
        if (mio === giro) torna();
      }
    }

    function torna() {
      ferma = null;
      segno.hidden = true;
      vai.textContent = "Traduci";
    }

    dice(vivo.fatti ? "" : "La prima volta si caricano nove megabyte; poi tutto si calcola in questa pagina, e la frase non ne esce. Ha imparato dal Parlamento europeo: con le frasi d’altro genere sbaglia spesso.");
  });
})();
