// Ciò che gli esperimenti hanno in comune: come nascono, i numeri, un cursore, una scelta, le barre, una tabella, un
// disegno. Ogni esperimento è un file qui accanto: i suoi conti, che si provano senza pagina, e come si monta.
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const Esperimenti = globalThis.Esperimenti = { conti: {}, nuovo };

  // Nella pagina la direttiva lascia la domanda e un testo; qui vi nasce ciò che si muove. «monta» riceve il posto e
  // come si dice una frase: chi guarda la legge, chi ascolta la sente. «Da capo» rimonta.
  function nuovo(nome, conti, monta) {
    Esperimenti.conti[nome] = conti;
    if (typeof document === "undefined") return;
    for (const posto of document.querySelectorAll(`.esperimento[data-nome="${nome}"]`)) {
      const vivo = fai("div", { class: "esp-vivo" }), voce = fai("p", { class: "esp-voce", role: "status" });
      const nasce = () => {
        vivo.replaceChildren();
        monta(vivo, (testo) => { if (voce.textContent !== testo) voce.textContent = testo; });
      };
      posto.append(vivo, fai("div", { class: "esp-piede" }, voce, bottone("Da capo", nasce)));
      posto.classList.add("pronto");
      nasce();
    }
  }

  // ---------------------------------------------------------------- elementi
  function metti(e, attributi, figli) {
    for (const [k, v] of Object.entries(attributi)) v !== null && v !== false && e.setAttribute(k, v === true ? "" : v);
    e.append(...figli);
    return e;
  }
  function fai(nome, attributi = {}, ...figli) { return metti(document.createElement(nome), attributi, figli); }
  function svg(nome, attributi = {}, ...figli) { return metti(document.createElementNS(SVG, nome), attributi, figli); }

  // ---------------------------------------------------------------- numeri, come nel libro
  function numero(x, cifre = 2) {
    if (!Number.isFinite(x)) return Number.isNaN(x) ? "nan" : x > 0 ? "∞" : "−∞";
    const testo = x.toFixed(cifre);
    const [intero, resto] = (Number(testo) === 0 ? testo.replace("-", "") : testo).replace("-", "−").split(".");
    return intero.replace(/\B(?=(\d{3})+(?!\d))/g, intero.replace("−", "").length > 4 ? "\u202f" : "") + (resto ? `,${resto}` : "");
  }
  const fattore = (x) => (x < 0 ? `(${numero(x)})` : numero(x));  // dentro un prodotto
  const fila = (numeri, cifre) => `(${numeri.map((x) => numero(x, cifre)).join("; ")})`;

  // ---------------------------------------------------------------- comandi
  let quanti = 0;
  function bottone(testo, quando, attributi = {}) {
    const b = fai("button", { type: "button", class: "esp-bottone", ...attributi }, testo);
    b.addEventListener("click", quando);
    return b;
  }

  // Il valore resta quello dato, con tutte le cifre, finché una mano non muove il cursore; «nome» è come lo si
  // chiama a voce, se il titolo è breve.
  function cursore(titolo, { min, max, passo, valore, scrivi = numero, nome = null }, quando) {
    const campo = fai("input", { type: "range", min, max, step: passo, "aria-label": nome }), scritto = fai("span", { class: "esp-valore", "aria-hidden": "true" });
    const riga = fai("label", { class: "esp-cursore" }, fai("span", { class: "esp-titolo" }, titolo), campo, scritto);
    const io = {
      riga,
      valore,
      metti(x) {
        io.valore = x;
        campo.value = x;
        scritto.textContent = scrivi(x);
        campo.setAttribute("aria-valuetext", scrivi(x));
      },
    };
    campo.addEventListener("input", () => {
      io.metti(Number(campo.value));
      quando(io.valore);
    });
    io.metti(valore);
    return io;
  }

  // Una fra più voci: coppie [valore, testo].
  function scelta(titolo, voci, valore, quando) {
    const nome = `esp-${quanti++}`, io = { valore };
    const campi = voci.map(([v, testo], i) => {
      const campo = fai("input", { type: "radio", name: nome, value: i, checked: v === valore });
      campo.addEventListener("change", () => quando(io.valore = v));
      return fai("label", {}, campo, fai("span", {}, testo));
    });
    io.riga = fai("fieldset", { class: "esp-scelta" }, fai("legend", { class: "esp-titolo" }, titolo),
      fai("span", { class: "esp-voci" }, ...campi));
    io.metti = (v) => {
      io.valore = v;
      campi[voci.findIndex(([altro]) => altro === v)].firstChild.checked = true;
    };
    return io;
  }

  function spunta(titolo, valore, quando) {
    const campo = fai("input", { type: "checkbox", checked: valore }), io = { valore };
    campo.addEventListener("change", () => quando(io.valore = campo.checked));
    io.riga = fai("label", { class: "esp-spunta" }, campo, fai("span", {}, titolo));
    return io;
  }

  // ---------------------------------------------------------------- barre
  // Una riga per nome: la barra da 0 a «massimo», il numero, un segno dov’era prima.
  function barre(titolo, nomi, { massimo = 1, cifre = 2, prima = null, classe = "" } = {}) {
    const righe = nomi.map((nome, i) => {
      const barra = fai("i"), segno = fai("b");
      if (prima) segno.style.left = `${100 * Math.min(prima[i] / massimo, 1)}%`;
      const scritto = fai("span", { class: "esp-numero" });
      const e = fai("li", {}, fai("span", { class: "esp-nome" }, nome),
        fai("span", { class: "esp-barra", "aria-hidden": "true" }, barra, ...(prima ? [segno] : [])), scritto);
      return { e, barra, scritto };
    });
    return {
      righe: righe.map(({ e }) => e),
      elemento: fai("div", { class: `esp-barre ${classe}` }, fai("span", { class: "esp-titolo" }, titolo),
        fai("ol", { "aria-label": titolo }, ...righe.map(({ e }) => e))),
      mostra(valori) {
        valori.forEach((v, i) => {
          righe[i].barra.style.width = `${100 * Math.min(Math.max(v / massimo, 0), 1)}%`;
          righe[i].scritto.textContent = numero(v, cifre);
        });
      },
    };
  }

  // ---------------------------------------------------------------- tabella
  // Con «scegli(i, j)» le caselle si scelgono: un tocco, o le frecce e Invio; una sola è una fermata.
  function tabella(titolo, righe, colonne, { cifre = 2, scegli = null, massimo = null } = {}) {
    const caselle = righe.map((_, i) => colonne.map((_, j) => {
      const casella = fai("td", scegli ? { role: "gridcell", tabindex: i + j ? -1 : 0 } : {});
      if (scegli) casella.addEventListener("click", () => { ferma(i, j); scegli(i, j); });
      return casella;
    }));
    let qui = [0, 0];
    function ferma(i, j) {
      caselle[qui[0]][qui[1]].tabIndex = -1;
      qui = [i, j];
      caselle[i][j].tabIndex = 0;
    }
    const testa = colonne.some(Boolean) ? [fai("thead", {}, fai("tr", {}, ...(righe[0] === null ? [] : [fai("td")]),
      ...colonne.map((nome) => fai("th", { scope: "col" }, nome))))] : [];
    const corpo = fai("tbody", {}, ...righe.map((nome, i) =>
      fai("tr", {}, ...(nome === null ? [] : [fai("th", { scope: "row" }, nome)]), ...caselle[i])));
    const tavola = fai("table", { class: "esp-tabella", role: scegli && "grid" },
      fai("caption", { class: "esp-titolo" }, titolo), ...testa, corpo);
    tavola.addEventListener("keydown", (evento) => {
      if (!scegli || evento.ctrlKey || evento.metaKey || evento.altKey) return;
      const [i, j] = qui, su = righe.length - 1, giu = colonne.length - 1;
      const mosse = {
        ArrowUp: [Math.max(i - 1, 0), j], ArrowDown: [Math.min(i + 1, su), j], ArrowLeft: [i, Math.max(j - 1, 0)],
        ArrowRight: [i, Math.min(j + 1, giu)], Home: [i, 0], End: [i, giu],
      };
      if (evento.key === "Enter" || evento.key === " ") scegli(i, j);
      else if (evento.key in mosse) {
        ferma(...mosse[evento.key]);
        caselle[qui[0]][qui[1]].focus();
      } else return;
      evento.preventDefault();
    });
    return {
      elemento: fai("div", { class: "esp-scorre" }, tavola),
      caselle,
      mostra(valori, accese = () => false) {
        const grande = massimo ?? Math.max(...valori.flat().filter(Number.isFinite).map(Math.abs), 1e-9);
        valori.forEach((riga, i) => riga.forEach((v, j) => {
          const casella = caselle[i][j], parte = Number.isFinite(v) ? Math.min(Math.abs(v) / grande, 1) : 0;
          casella.textContent = typeof v === "string" ? v : numero(v, cifre);
          casella.style.setProperty("--parte", `${Math.round(42 * parte)}%`);
          casella.classList.toggle("esp-meno", v < 0);
          casella.classList.toggle("esp-accesa", Boolean(accese(i, j)));
        }));
      },
      ferma,
    };
  }

  // ---------------------------------------------------------------- disegno
  // Un riquadro con due assi, largo quanto il suo posto: le scritte restano grandi anche sul telefono. «disegna»
  // riceve X e Y, dai numeri ai punti, e «traccia»; si ripete quando il posto cambia larghezza.
  function riquadro(titolo, { x, y, alto = 220, tacche = [[], []], assi = ["", ""], scrivi = [numero, numero] }, disegna) {
    const figura = svg("svg", { class: "esp-disegno", role: "img", "aria-label": titolo });
    const posto = fai("div", { class: "esp-riquadro" }, figura);
    const io = { elemento: posto, x, y, tacche, mostra };
    const [sopra, sotto, destra] = [assi[1] ? 24 : 10, assi[0] ? 40 : 24, 10];
    function mostra() {
      const larga = posto.clientWidth;
      if (!larga) return;
      const sinistra = 8 + 7.5 * Math.max(1, ...io.tacche[1].map((t) => scrivi[1](t).length));
      const X = (v) => sinistra + (larga - sinistra - destra) * (v - io.x[0]) / (io.x[1] - io.x[0]);
      const Y = (v) => alto - sotto - (alto - sopra - sotto) * (v - io.y[0]) / (io.y[1] - io.y[0]);
      const tratti = [];
      const traccia = (nome, attributi, ...figli) => tratti.push(svg(nome, attributi, ...figli));
      for (const t of io.tacche[0]) {
        traccia("line", { class: "esp-griglia", x1: X(t), x2: X(t), y1: sopra, y2: alto - sotto });
        const scritta = scrivi[0](t), fuori = X(t) + 3.6 * scritta.length > larga;
        traccia("text", { x: fuori ? larga : X(t), y: alto - sotto + 15, "text-anchor": fuori ? "end" : "middle" }, scritta);
      }
      for (const t of io.tacche[1]) {
        traccia("line", { class: "esp-griglia", x1: sinistra, x2: larga - destra, y1: Y(t), y2: Y(t) });
        traccia("text", { x: sinistra - 6, y: Y(t) + 4, "text-anchor": "end" }, scrivi[1](t));
      }
      if (assi[0]) traccia("text", { x: larga - destra, y: alto - 6, "text-anchor": "end" }, assi[0]);
      if (assi[1]) traccia("text", { x: 0, y: 12 }, assi[1]);
      const curva = (punti, classe = "esp-curva") => traccia("path", {
        class: classe, d: punti.map(([a, b], i) => `${i ? "L" : "M"}${X(a).toFixed(1)} ${Y(b).toFixed(1)}`).join(""),
      });
      const entro = { id: `esp-${quanti++}`, x: sinistra, y: sopra, width: larga - sinistra - destra, height: alto - sopra - sotto };
      const fuori = tratti.length;
      disegna({ X, Y, traccia, curva, larga, alto });
      const { id, ...quadro } = entro;
      figura.setAttribute("viewBox", `0 0 ${larga} ${alto}`);
      figura.setAttribute("height", alto);
      figura.replaceChildren(svg("clipPath", { id }, svg("rect", quadro)), ...tratti.slice(0, fuori),
        svg("g", { "clip-path": `url(#${id})` }, ...tratti.slice(fuori)));
    }
    if (typeof ResizeObserver === "function") new ResizeObserver(mostra).observe(posto);
    return io;
  }

  Object.assign(Esperimenti, { fai, svg, numero, fattore, fila, bottone, cursore, scelta, spunta, barre, tabella, riquadro });
})();
