// <attenzione-vista>: i pesi di attenzione di un modello, frase per frase, strato per strato, testa per testa.
// I dati stanno nella pagina, in centesimi; senza questo file resta la figura ferma che l’elemento contiene.
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const LINGUE = { encoder: ["en", "en"], decoder: ["it", "it"], "encoder-decoder": ["it", "en"] };
  const TRATTI = ["", "5 1.5", "1.5 1.5", "6 2 1 2", "9 2", "4 2 1 2 1 2", "3 3", "11 2 2 2"];
  const numero = (x) => (x / 100).toFixed(2).replace(".", ",");

  function fai(nome, attributi = {}, ...figli) {
    const e = document.createElement(nome);
    for (const [k, v] of Object.entries(attributi)) v !== null && e.setAttribute(k, v);
    e.append(...figli);
    return e;
  }

  class AttenzioneVista extends HTMLElement {
    connectedCallback() {
      if (this.viva) return;
      const dati = this.querySelector("script[type='application/json']");
      if (!dati) return;
      const { inizio, frasi } = JSON.parse(dati.textContent);
      this.frasi = frasi;
      this.fissa = inizio.parola;  // la parola scelta; null: nessuna, si vedono le linee di tutte
      this.passa = null;  // la parola sotto il puntatore
      this.viva = fai("div", { class: "vista-viva", role: "group", "aria-label": "Vista dell’attenzione" });
      const { pesi } = frasi[0].encoder;
      const numeri = (quanti) => Array.from({ length: quanti }, (_, i) => [i, i + 1]);
      const scelte = fai("div", { class: "vista-scelte" });
      this.scelta = {};
      const menu = (nome, titolo, voci, valore, lingua) => {
        const select = fai("select", {}, ...voci.map(([v, testo]) => fai("option", { value: v, lang: lingua }, `${testo}`)));
        select.value = `${valore}`;
        select.addEventListener("change", () => this.cambia(nome));
        this.scelta[nome] = select;
        scelte.append(fai("label", { class: `vista-${nome}` }, fai("span", {}, titolo), select));
      };
      menu("frase", "Frase", frasi.map((f, i) => [i, f.encoder.chi.join(" ")]), 0, "en");
      menu("tipo", "Attenzione", Object.keys(LINGUE).map((k) => [k, k]), inizio.tipo, null);
      menu("strato", "Strato", numeri(pesi.length), inizio.strato, null);
      menu("testa", "Testa", [["", "tutte"], ...numeri(pesi[0].length)], inizio.testa ?? "", null);
      this.legenda = fai("div", { class: "vista-legenda", "aria-hidden": "true" });
      scelte.append(this.legenda);
      this.campo = fai("div", { class: "vista-campo" });
      this.voce = fai("p", { class: "vista-voce", role: "status" });
      this.viva.append(scelte, this.campo, this.voce);
      this.append(this.viva);
      this.setAttribute("pronta", "");
      this.disponi();
      new ResizeObserver(() => this.linee()).observe(this.campo);
    }

    cambia(nome) {
      if (nome === "frase" || nome === "tipo") {
        this.fissa = this.fissa === null ? null : 0;
        this.disponi();
      } else this.mostra();
    }

    get parte() { return this.frasi[this.scelta.frase.value][this.scelta.tipo.value]; }

    get teste() {
      const { value } = this.scelta.testa;
      return value === "" ? [...this.parte.pesi[0].keys()] : [+value];
    }

    peso(testa, i, j) { return this.parte.pesi[this.scelta.strato.value][testa][i][j] || 0; }

    // le due colonne di parole
    disponi() {
      const { chi, chiavi } = this.parte;
      const [linguaChi, linguaChiavi] = LINGUE[this.scelta.tipo.value];
      const titolo = this.scelta.tipo.value === "encoder" ? "chi guarda" : "si scrive";
      const id = `vista-${[...document.querySelectorAll("attenzione-vista")].indexOf(this)}`;
      this.passa = null;
      this.sinistra = chi.map((parola, i) => fai("div", { role: "option", id: `${id}-${i}`, lang: linguaChi }, parola));
      this.destra = chiavi.map((parola) =>
        fai("li", {}, fai("span", { class: "vista-chiave", lang: linguaChiavi }, parola),
          fai("span", { class: "vista-numero" }), fai("span", { class: "vista-caselle", "aria-hidden": "true" })));
      const lista = fai("div", { role: "listbox", tabindex: 0, class: "vista-chi", "aria-label": `Parola: ${titolo}` },
        ...this.sinistra);
      this.lista = lista;
      this.sinistra.forEach((e, i) => {
        e.addEventListener("pointerenter", (evento) => evento.pointerType === "mouse" && this.mostra(i));
        e.addEventListener("click", () => this.scegli(this.fissa === i ? null : i));
      });
      lista.addEventListener("pointerleave", () => this.mostra(null));
      lista.addEventListener("keydown", (evento) => this.tasto(evento));
      this.disegno = document.createElementNS(SVG, "svg");
      this.disegno.setAttribute("aria-hidden", "true");
      this.campo.replaceChildren(
        fai("span", { class: "vista-capo vista-capo-chi" }, titolo), fai("span", { class: "vista-capo" }, "guarda"),
        lista, this.disegno, fai("ol", { class: "vista-chiavi" }, ...this.destra));
      this.mostra();
    }

    tasto(evento) {
      const ultima = this.sinistra.length - 1, qui = this.fissa ?? -1;
      const mosse = {
        ArrowDown: Math.min(qui + 1, ultima), ArrowUp: Math.max(qui - 1, 0), Home: 0, End: ultima, Escape: null,
        Enter: this.fissa === null ? 0 : null, " ": this.fissa === null ? 0 : null,
      };
      mosse.ArrowRight = mosse.ArrowDown;
      mosse.ArrowLeft = mosse.ArrowUp;
      if (!(evento.key in mosse) || evento.ctrlKey || evento.metaKey || evento.altKey) return;
      evento.preventDefault();
      this.scegli(mosse[evento.key]);
    }

    scegli(i) {
      this.fissa = i;
      this.mostra(null);
      if (i !== null) this.sinistra[i].scrollIntoView({ block: "nearest" });
    }

    // i numeri, le caselle e la frase per chi ascolta
    mostra(passa = this.passa) {
      this.passa = passa;
      const i = passa ?? this.fissa, { teste } = this;
      this.sinistra.forEach((e, k) => {
        e.setAttribute("aria-selected", k === this.fissa);
        e.classList.toggle("vista-accesa", k === i);
      });
      if (this.fissa === null) this.lista.removeAttribute("aria-activedescendant");
      else this.lista.setAttribute("aria-activedescendant", this.sinistra[this.fissa].id);
      this.legenda.replaceChildren(...(teste.length > 1 ? teste : []).map((t) =>
        fai("span", { class: `vista-t${t % 8}` }, `${t + 1}`)));
      const pesi = this.destra.map((_, j) =>
        i === null ? 0 : teste.reduce((somma, t) => somma + this.peso(t, i, j), 0) / teste.length);
      this.destra.forEach((e, j) => {
        e.children[1].textContent = i === null ? "" : numero(pesi[j]);
        e.classList.toggle("vista-accesa", pesi[j] >= 20);
        e.children[2].replaceChildren(...(i === null ? [] : teste).map((t) => {
          const casella = fai("span", { class: `vista-t${t % 8}` });
          casella.style.opacity = Math.min(1, this.peso(t, i, j) / 100);
          return casella;
        }));
      });
      const media = teste.length > 1 ? "in media " : "";
      const chi = `«${this.parte.chi[i]}»`, scrive = this.scelta.tipo.value !== "encoder";
      if (passa === null) this.voce.textContent = i === null
        ? "Le linee di tutte le parole; con le frecce o con un tocco se ne sceglie una."
        : `${scrive ? `Scrivendo ${chi} si` : chi} guarda ${media}soprattutto ` + pesi.map((p, j) => [p, this.parte.chiavi[j]])
          .sort((a, b) => b[0] - a[0]).slice(0, 3).map(([p, parola]) => `«${parola}» ${numero(p)}`).join("; ") + ".";
      this.linee();
    }

    linee() {
      const i = this.passa ?? this.fissa, { teste, disegno } = this, quadro = disegno.getBoundingClientRect();
      const quota = (e) => { const r = e.getBoundingClientRect(); return r.top + r.height / 2 - quadro.top; };
      const y = this.sinistra.map(quota), z = this.destra.map(quota), tratti = [];
      const alta = Math.max(this.lista.offsetHeight, this.campo.lastChild.offsetHeight);
      teste.forEach((t, posto) => y.forEach((da, k) => {
        if (i !== null && k !== i) return;
        const scarto = (posto - (teste.length - 1) / 2) * 2;
        z.forEach((a, j) => {
          const p = this.peso(t, k, j) / 100;
          if (p < 0.03) return;
          const linea = document.createElementNS(SVG, "line");
          const attributi = {
            x1: 0, y1: da + scarto, x2: quadro.width, y2: a + scarto, class: `vista-t${t % 8}`,
            "stroke-width": 0.6 + 4 * p, "stroke-opacity": Math.min(1, 0.15 + p),
            "stroke-dasharray": teste.length > 1 ? TRATTI[t % 8] : "",
          };
          for (const [nome, valore] of Object.entries(attributi)) linea.setAttribute(nome, valore);
          tratti.push(linea);
        });
      }));
      disegno.style.height = `${alta}px`;
      disegno.replaceChildren(...tratti);
    }
  }

  customElements.define("attenzione-vista", AttenzioneVista);
})();
