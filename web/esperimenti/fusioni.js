// La codifica byte-pair, «dal testo ai token»: le coppie più frequenti si fondono, nelle parole di chi legge.
(() => {
  const { fai, bottone, nuovo } = Esperimenti;
  const AVVIO = "la gatta mangia il topo, il topo mangia la torta, la gatta guarda il topo matto";
  const MOLTE = 2000;  // parole: oltre, si tralasciano

  const conti = {
    // Ogni parola diversa con quante volte compare; comincia con «▁», che sta per lo spazio.
    parole(testo) {
      const conto = new Map();
      for (const parola of (testo.toLowerCase().normalize("NFC").match(/[\p{L}\p{M}\p{N}]+/gu) ?? []).slice(0, MOLTE)) {
        conto.set(parola, (conto.get(parola) ?? 0) + 1);
      }
      return [...conto].map(([parola, volte]) => ({ pezzi: ["▁", ...parola], volte }));
    },
    // Quante volte due pezzi stanno fianco a fianco: [primo, secondo, volte], la più frequente prima, a parità per alfabeto.
    coppie(parole) {
      const conto = new Map();
      for (const { pezzi, volte } of parole) {
        for (let l = 1; l < pezzi.length; l++) {
          const chiave = `${pezzi[l - 1]}\0${pezzi[l]}`;
          conto.set(chiave, (conto.get(chiave) ?? 0) + volte);
        }
      }
      const confronta = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
      return [...conto].map(([chiave, volte]) => [...chiave.split("\0"), volte])
        .sort((a, b) => b[2] - a[2] || confronta(a[0], b[0]) || confronta(a[1], b[1]));
    },
    fondi(parole, [primo, secondo]) {
      return parole.map(({ pezzi, volte }) => {
        const nuovi = [];
        for (const pezzo of pezzi) {
          if (nuovi.length && nuovi.at(-1) === primo && pezzo === secondo) nuovi[nuovi.length - 1] += pezzo;
          else nuovi.push(pezzo);
        }
        return { pezzi: nuovi, volte };
      });
    },
    impara(parole, quante) {
      const fusioni = [];
      for (let passo = 0; passo < quante; passo++) {
        const [prima] = conti.coppie(parole);
        if (!prima) break;
        fusioni.push(prima);
        parole = conti.fondi(parole, prima);
      }
      return { fusioni, parole };
    },
  };

  nuovo("fusioni", conti, (vivo, dice) => {
    let fatte = 0;
    const testo = fai("textarea", { rows: 2, maxlength: 20_000, spellcheck: "false", "aria-label": "Le parole da cui si impara" });
    testo.value = AVVIO;
    testo.addEventListener("input", () => { fatte = 0; mostra(); });
    const avanti = bottone("Fondi la coppia più frequente", () => { fatte += 1; mostra(); });
    const dieci = bottone("Altre dieci", () => { fatte += 10; mostra(); });
    const indietro = bottone("Torna indietro", () => { fatte -= 1; mostra(); });
    const prossime = fai("ol", { class: "esp-coppie", "aria-label": "le coppie più frequenti" });
    const parole = fai("ul", { class: "esp-pezzi", "aria-label": "le parole, a pezzi" });
    vivo.append(testo, fai("div", { class: "esp-comandi esp-voci" }, avanti, dieci, indietro),
      fai("p", { class: "esp-titolo" }, "le prossime"), prossime, fai("p", { class: "esp-titolo" }, "le parole, a pezzi"), parole);

    function mostra() {
      const inizio = conti.parole(testo.value), { fusioni, parole: ora } = conti.impara(inizio, fatte);
      fatte = fusioni.length;
      const coppie = conti.coppie(ora);
      prossime.replaceChildren(...coppie.slice(0, 4).map(([a, b, volte]) => fai("li", {},
        fai("code", {}, `${a} + ${b}`), ` ${volte} ${volte === 1 ? "volta" : "volte"}`)));
      const ultima = fusioni.at(-1)?.slice(0, 2).join("");
      parole.replaceChildren(...ora.slice(0, 40).map(({ pezzi, volte }) => fai("li", {},
        ...pezzi.map((pezzo) => fai("code", { class: pezzo === ultima ? "esp-nuovo" : null }, pezzo)), volte > 1 ? ` ×${volte}` : "")));
      avanti.disabled = dieci.disabled = !coppie.length;
      indietro.disabled = !fatte;
      const diversi = new Set(ora.flatMap(({ pezzi }) => pezzi)).size, quanti = ora.reduce((t, { pezzi, volte }) => t + pezzi.length * volte, 0);
      if (!ora.length) dice("Serve almeno una parola.");
      else dice((fatte ? `Fusione ${fatte}: «${fusioni.at(-1)[0]}» e «${fusioni.at(-1)[1]}», fianco a fianco ${fusioni.at(-1)[2]} `
        + `${fusioni.at(-1)[2] === 1 ? "volta" : "volte"}. ` : "Ogni parola è ancora divisa in lettere. ")
        + `Il testo si scrive con ${quanti} pezzi, ${diversi} diversi.` + (coppie.length ? "" : " Ogni parola è un pezzo solo: non c’è più nulla da fondere."));
    }
    mostra();
  });
})();
