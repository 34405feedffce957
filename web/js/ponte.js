// <attenzione-ponte>: una frase, sotto la sua traduzione, e quanto ogni parola scritta guarda quelle lette.
// I dati stanno nella pagina, in centesimi; senza questo file resta la figura ferma che l’elemento contiene.
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const PAROLE = {
    it: {
      altra: "Un altro esempio", scritte: "Parola che si scrive", legge: "legge", scrive: "scrive",
      riga: (chi, pesi) => `Scrivendo «${chi}» guarda soprattutto ${pesi}.`,
      colonna: (chi, pesi) => `«${chi}» è guardata soprattutto da ${pesi}.`,
      una: (parola, peso) => `«${parola}» ${peso.toFixed(2).replace(".", ",")}`,
    },
    en: {
      altra: "Another example", scritte: "Word being written", legge: "reads", scrive: "writes",
      riga: (chi, pesi) => `Writing “${chi}”, it looks mostly at ${pesi}.`,
      colonna: (chi, pesi) => `“${chi}” is looked at mostly by ${pesi}.`,
      una: (parola, peso) => `“${parola}” ${peso.toFixed(2)}`,
    },
  };

  function fai(nome, attributi = {}, ...figli) {
    const e = document.createElement(nome);
    for (const [k, v] of Object.entries(attributi)) e.setAttribute(k, v);
    e.append(...figli);
    return e;
  }

  class AttenzionePonte extends HTMLElement {
    connectedCallback() {
      const dati = this.querySelector("script[type='application/json']");
      if (this.vivo || !dati) return;
      const { parola, frasi } = JSON.parse(dati.textContent);
      Object.assign(this, { frasi, quale: 0, fissa: parola, passa: null, colonna: null });
      this.capi = [fai("span", { class: "ponte-capo" }), fai("span", { class: "ponte-capo" })];
      this.letta = fai("div", { class: "ponte-riga", lang: "en" });
      this.disegno = document.createElementNS(SVG, "svg");
      this.disegno.setAttribute("aria-hidden", "true");
      this.scritta = fai("div", { class: "ponte-riga", role: "listbox", tabindex: 0, lang: "it", "aria-orientation": "horizontal" });
      this.voce = fai("p", { class: "ponte-voce", role: "status" });
      this.altra = fai("button", { type: "button", class: "ponte-altra" });
      this.vivo = fai("div", { class: "ponte-vivo" }, fai("div", { class: "ponte-testa" }, this.capi[0], this.altra),
        this.letta, this.disegno, this.capi[1], this.scritta, this.voce);
      this.append(this.vivo);
      this.altra.addEventListener("click", () => this.disponi((this.quale + 1) % frasi.length));
      this.scritta.addEventListener("keydown", (evento) => this.tasto(evento));
      this.vivo.addEventListener("pointerleave", () => this.mostra(null, null));
      this.disponi(0);
      this.setAttribute("pronto", "");
      new ResizeObserver(() => this.linee()).observe(this.vivo);
      document.fonts?.ready.then(() => this.linee());
      new MutationObserver(() => this.mostra()).observe(document.documentElement, { attributeFilter: ["data-lingua"] });
    }

    get parti() { return this.frasi[this.quale]; }
    get parole() { return PAROLE[document.documentElement.dataset.lingua === "en" ? "en" : "it"]; }
    peso(i, j) { return (this.parti.pesi[0][0][i][j] || 0) / 100; }

    disponi(quale) {
      if (quale !== this.quale) this.fissa = 0;
      this.quale = quale;
      const { chi, chiavi } = this.parti;
      this.vivo.style.setProperty("--segni", Math.max(...[chi, chiavi].map((parole) => parole.join(" ").length)));
      this.lette = chiavi.map((parola) => fai("span", { class: "ponte-parola" }, parola));
      this.scritte = chi.map((parola, i) =>
        fai("span", { class: "ponte-parola", role: "option", id: `ponte-${i}` }, parola));
      this.letta.replaceChildren(...this.lette);
      this.scritta.replaceChildren(...this.scritte);
      const topo = (evento) => evento.pointerType === "mouse";
      this.scritte.forEach((e, i) => {
        e.addEventListener("pointerenter", (evento) => topo(evento) && this.mostra(i, null));
        e.addEventListener("click", () => this.scegli(i));
      });
      this.lette.forEach((e, j) => {
        e.addEventListener("pointerenter", (evento) => topo(evento) && this.mostra(null, j));
        e.addEventListener("click", () => this.mostra(null, j));
      });
      this.mostra(null, null);
    }

    tasto(evento) {
      const ultima = this.scritte.length - 1, qui = this.fissa;
      const mosse = { ArrowRight: Math.min(qui + 1, ultima), ArrowLeft: Math.max(qui - 1, 0), Home: 0, End: ultima };
      mosse.ArrowDown = mosse.ArrowRight;
      mosse.ArrowUp = mosse.ArrowLeft;
      if (!(evento.key in mosse) || evento.ctrlKey || evento.metaKey || evento.altKey) return;
      evento.preventDefault();
      evento.stopPropagation();  // le frecce, altrove, cambiano pagina
      this.scegli(mosse[evento.key]);
    }

    scegli(i) {
      this.fissa = i;
      this.mostra(null, null);
    }

    // le parole accese e la frase che dice i pesi; passa: la parola scritta sotto il puntatore, colonna: quella letta
    mostra(passa = this.passa, colonna = this.colonna) {
      Object.assign(this, { passa, colonna });
      const { parole } = this, i = passa ?? this.fissa, { chi, chiavi } = this.parti;
      const righe = colonna === null
        ? chiavi.map((parola, j) => [parola, this.peso(i, j)]) : chi.map((parola, k) => [parola, this.peso(k, colonna)]);
      const [accese, spente] = colonna === null ? [this.lette, this.scritte] : [this.scritte, this.lette];
      accese.forEach((e, n) => e.style.setProperty("--peso", righe[n][1]));
      spente.forEach((e, n) => {
        e.style.setProperty("--peso", 0);
        e.classList.toggle("ponte-accesa", n === (colonna ?? i));
      });
      accese.forEach((e) => e.classList.remove("ponte-accesa"));
      this.scritte.forEach((e, k) => e.setAttribute("aria-selected", k === this.fissa));
      this.scritta.setAttribute("aria-activedescendant", this.scritte[this.fissa].id);
      this.scritta.setAttribute("aria-label", parole.scritte);
      [this.capi[0].textContent, this.capi[1].textContent, this.altra.textContent] = [parole.legge, parole.scrive, parole.altra];
      const grandi = righe.sort((a, b) => b[1] - a[1]).slice(0, 2).map(([parola, p]) => parole.una(parola, p)).join(", ");
      this.voce.textContent = colonna === null ? parole.riga(chi[i], grandi) : parole.colonna(chiavi[colonna], grandi);
      this.linee();
    }

    linee() {
      const quadro = this.disegno.getBoundingClientRect(), i = this.passa ?? this.fissa, tratti = [];
      const mezzo = (e) => { const r = e.getBoundingClientRect(); return (r.left + r.width / 2 - quadro.left).toFixed(1); };
      const sopra = this.lette.map(mezzo), sotto = this.scritte.map(mezzo), alto = quadro.height;
      sotto.forEach((da, k) => sopra.forEach((a, j) => {
        const p = this.peso(k, j), acceso = this.colonna === null ? k === i : j === this.colonna;
        if (p < 0.03) return;
        const linea = document.createElementNS(SVG, "path");
        linea.setAttribute("d", `M${da} ${alto}C${da} ${alto / 2} ${a} ${alto / 2} ${a} 0`);
        linea.setAttribute("stroke-width", 0.7 + 5 * p);
        linea.setAttribute("stroke-opacity", acceso ? Math.min(1, 0.25 + p) : 0.22 * p);
        if (acceso) linea.setAttribute("class", "ponte-accesa");
        tratti.push(linea);
      }));
      this.disegno.replaceChildren(...tratti.sort((a, b) => a.classList.length - b.classList.length));
    }
  }

  customElements.define("attenzione-ponte", AttenzionePonte);
})();
