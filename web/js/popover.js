// Spiegazioni al passaggio, al tocco e da tastiera: simboli nelle formule, citazioni, note, figure, tabelle, equazioni.
// Nascono quando servono: una pagina ha centinaia di simboli. I dati stanno nella pagina (simboli.py, richiami.py).
document.addEventListener("DOMContentLoaded", () => {
  const dati = (nome) => JSON.parse(document.getElementById(nome)?.textContent || "{}");
  const simboli = dati("simboli"), richiami = dati("richiami");
  const radice = document.documentElement;
  const glossario = new URL((radice.dataset.content_root || "./") + "glossary.html", location.href).href;
  const inglese = () => radice.dataset.lingua === "en";
  const crea = (nome, classe, html = "") => {
    const e = document.createElement(nome);
    e.className = classe;
    e.innerHTML = html;
    return e;
  };

  // ---------------------------------------------------------------- che cosa si mostra
  const riga = (nome, valore) => valore && `<span class="simbolo-dato"><i>${nome}</i> ${valore}</span>`;
  function scheda(nome) {
    const s = simboli[nome];
    if (!s) return null;
    const en = inglese();
    const dati = [
      !en && riga("si legge", `«${s.legge}»`), riga("forma", en ? s.forma_en : s.forma),
      riga("modello base", en ? s.base_en : s.base), riga("nel codice", s.codice && `<code>${s.codice}</code>`),
    ];
    const e = crea("div", "simbolo-scheda", `<p><b class="simbolo-segno">${s.segno}</b> ${en ? s.en : s.che}</p>
      <p class="simbolo-dati">${dati.filter(Boolean).join(" ")}</p>
      <p><a href="${glossario}#simbolo-${nome}">nel glossario</a></p>`);
    e.lang = en ? "en" : "it";
    e.querySelectorAll("i, a").forEach((x) => { x.lang = "it"; });
    return e;
  }

  const copia = (e) => {  // senza ciò che nella pagina serve a muoversi
    const nuova = e.cloneNode(true);
    nuova.querySelectorAll(".ancora, .headerlink, .segno, details, script").forEach((x) => x.remove());
    nuova.querySelectorAll("[id]").forEach((x) => x.removeAttribute("id"));
    nuova.querySelectorAll("a").forEach((x) => x.replaceWith(...x.childNodes));
    return nuova;
  };
  const link = (testo, dove) => `<p class="richiamo-vai"><a href="${dove}">${testo}</a></p>`;
  const GENERI = { fig: "vai alla figura", tab: "vai alla tabella", eq: "vai all’equazione" };

  function richiamo(a) {
    const href = a.getAttribute("href"), hash = a.hash.slice(1);
    if (a.dataset.voce) {
      const e = crea("div", "richiamo");
      const voce = crea("p", "richiamo-voce");
      voce.lang = "en";
      const [, testo, url] = /^(.*?)(?:\s*URL: (\S+?))?\.?$/.exec(a.dataset.voce);
      voce.textContent = `[${a.textContent}] ${testo}`;
      e.append(voce);
      if (url) voce.append(" ", Object.assign(crea("a", ""), { href: url, textContent: url.replace(/^https?:\/\//, "") }));
      e.insertAdjacentHTML("beforeend", link("vai al riferimento", a.href));
      return e;
    }
    const genere = /^(fig|tab|eq)[\w-]*$/.exec(hash)?.[1];
    const nota = /-fn\d+$|^note-/.test(hash);
    if (!genere && !nota) return null;
    const qui = href.startsWith("#") && document.getElementById(hash);
    const e = crea("div", "richiamo");
    if (qui) {
      const cap = document.getElementById(`${hash}-cap`);
      const fonte = genere === "eq" ? qui : genere ? cap ?? qui : qui;
      const lati = fonte.querySelectorAll(":scope > .lato");
      (lati.length ? [...lati] : []).forEach((lato) => {
        const nuovo = copia(lato);
        nuovo.className = `lato-${lato.lang}`;
        if (nuovo.textContent.trim()) e.append(nuovo);
      });
      if (genere && genere !== "eq") {
        const figura = qui.querySelector("img");
        if (figura && qui.checkVisibility()) e.prepend(Object.assign(crea("img", "richiamo-figura"), { src: figura.currentSrc || figura.src, alt: "" }));
      }
    } else {
      const altrove = Object.keys(richiami).find((k) => {  // il collegamento può portare la lingua, la chiave no
        const url = new URL(k, location.href);
        return url.pathname === a.pathname && url.hash === a.hash;
      });
      if (altrove) e.innerHTML = richiami[altrove];
    }
    if (!e.childNodes.length) return null;
    e.insertAdjacentHTML("beforeend", link(nota ? "vai alla nota" : GENERI[genere], a.href));
    e.querySelectorAll(".richiamo-vai a").forEach((x) => { x.lang = "it"; });
    return e;
  }

  // ---------------------------------------------------------------- quando
  const LINK = "article a.reference.internal:not([href*='#term-'], .segno)";
  document.querySelectorAll(LINK).forEach((a) => {  // il titolo del browser e il nostro, insieme, sarebbero due
    if (!a.title || !/riferimenti\.html#|^#id\d+$/.test(a.getAttribute("href"))) return;
    a.dataset.voce = a.title;
    a.removeAttribute("title");
  });

  function apri(e, contenuto, subito) {
    if (!window.tippy) return conTippy(() => (subito || e.matches(":hover, :focus")) && apri(e, contenuto, subito));
    if (e._tippy) return subito && e._tippy.show();
    const testo = contenuto();
    if (!testo) return;
    const nativo = e.title;
    if (nativo) e.removeAttribute("title");
    const suoLink = e.matches("a");
    const tip = tippy(e, {
      content: testo, interactive: true, theme: "libro", maxWidth: 420, delay: [150, 80], touch: true,
      trigger: suoLink ? "mouseenter focus" : "mouseenter", hideOnClick: true, appendTo: () => document.body,
      aria: { content: suoLink ? "describedby" : null, expanded: false },
      onShow: (t) => { t.setContent(contenuto() ?? testo); },
      onHidden: (t) => { nativo && e.setAttribute("title", nativo); t.destroy(); },
    });
    subito ? tip.show() : setTimeout(() => (e.matches(":hover, :focus") ? tip.show() : !tip.state.isShown && tip.destroy()), 150);
  }
  const su = (bersaglio, subito) => {
    const simbolo = bersaglio.closest?.("[data-s]");
    if (simbolo && simbolo.closest("article")) return apri(simbolo, () => scheda(simbolo.dataset.s), subito), simbolo;
    const a = bersaglio.closest?.(LINK);
    if (a && richiamo(a)) return apri(a, () => richiamo(a), subito), a;
    return null;
  };
  const tocco = () => matchMedia("(hover: none)").matches;
  document.addEventListener("mouseover", (evento) => !tocco() && su(evento.target));
  document.addEventListener("focusin", (evento) => evento.target.matches?.(LINK) && evento.target.matches(":focus-visible") && su(evento.target));
  document.addEventListener("click", (evento) => {  // al tocco: prima la spiegazione, poi la pagina
    if (!tocco()) return;
    const aperto = evento.target.closest?.(LINK)?._tippy?.state.isVisible;
    if (aperto) return;
    const e = su(evento.target, true);
    if (e?.matches("a")) evento.preventDefault();
  });

  // ---------------------------------------------------------------- da tastiera: l’elenco dei simboli della pagina
  function elenco() {
    const finestra = crea("dialog", "aiuti simboli-elenco", `<form method="dialog"><button class="aiuti-chiudi" aria-label="Chiudi">×</button></form>
      <h2>Simboli di questa pagina</h2>`);
    const visti = [...document.querySelectorAll("article [data-s]")].filter((e) => e.checkVisibility());
    const nomi = [...new Set(visti.map((e) => e.dataset.s))];
    if (!nomi.length) finestra.append(crea("p", "", "In questa pagina non ci sono simboli."));
    for (const nome of nomi) {
      const voce = scheda(nome);
      if (!voce) continue;
      voce.tabIndex = -1;
      voce.dataset.simbolo = nome;
      finestra.append(voce);
    }
    finestra.setAttribute("aria-label", "Simboli di questa pagina");
    finestra.addEventListener("close", () => finestra.remove());
    finestra.addEventListener("click", (evento) => evento.target === finestra && finestra.close());
    document.body.append(finestra);
    finestra.showModal();
    // si parte dal primo che si ha davanti
    const davanti = visti.find((e) => { const y = e.getBoundingClientRect().top; return y > 60 && y < innerHeight; });
    const voce = davanti && finestra.querySelector(`[data-simbolo="${davanti.dataset.s}"]`);
    voce?.focus();
    voce?.scrollIntoView({ block: "start" });
  }
  document.addEventListener("aiuti:simboli", elenco);
});
