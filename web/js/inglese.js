// La vista inglese: le parole della pagina diventano inglesi, e tornano italiane; la lingua scelta segue il lettore.
// Il dizionario è _static/parole.js, scritto da inglese.yml; si prende soltanto quando serve.
(() => {
  const radice = document.documentElement;
  const base = () => new URL(radice.dataset.content_root || "./", location.href);
  const inglese = () => radice.dataset.lingua === "en";
  const ATTRIBUTI = ["title", "aria-label", "aria-valuetext", "placeholder", "alt", "data-bs-title", "data-bs-original-title", "data-title"];
  const pulito = (testo) => testo.replace(/\s+/g, " ").trim();

  // ---------------------------------------------------------------- tradurre
  const forme = (voci) => Object.entries(voci).map(([it, en]) =>
    [new RegExp(`^${it.split("{}").map((p) => p.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("(.*)")}$`), en]);
  const componi = (chiave, schemi, pezzo) => {
    for (const [forma, en] of schemi) {
      const pezzi = forma.exec(chiave);
      if (pezzi) return pezzi.slice(1).reduce((testo, p) => testo.replace("{}", () => pezzo(p)), en);
    }
    return null;
  };
  let schemi = null, schemiVivi = null;
  const titoli = new Map();  // i titoli italiani che la colonna scrive
  const frase = (italiano) => {
    const { interfaccia, tabelle } = window.INGLESE;
    const chiave = pulito(italiano);
    if (!chiave) return null;
    if (chiave in interfaccia) return interfaccia[chiave];
    if (chiave in tabelle) return tabelle[chiave];
    if (titoli.has(chiave)) return titoli.get(chiave);
    schemi ??= forme(window.INGLESE.schemi);
    return componi(chiave, schemi, (p) => frase(p) ?? p);
  };
  // Ciò che dicono gli esperimenti che parlano anche inglese: frasi, frasi con un pezzo che cambia, numeri.
  const viva = (italiano) => {
    const { esperimenti } = window.INGLESE, chiave = pulito(italiano);
    if (chiave in esperimenti) return esperimenti[chiave];
    schemiVivi ??= forme(Object.fromEntries(Object.entries(esperimenti).filter(([it]) => it.includes("{}"))));
    const uguale = italiano.replace(/(\d),(?=\d)/g, "$1.").replace(/«/g, "“").replace(/»/g, "”");
    return componi(chiave, schemiVivi, (p) => viva(p) ?? p) ?? (uguale === italiano ? null : uguale);
  };
  const bilingue = (e) => e.closest("[data-bilingue]") && !e.closest(".esperimento-fermo");
  const dillo = (e, testo) => (bilingue(e) ? viva(testo) : null) ?? frase(testo);
  const titolo = (link) => {  // il titolo inglese della pagina a cui porta, se è fra quelle del libro
    const url = new URL(link.href, location.href);
    if (url.hash || !url.href.startsWith(base().href)) return null;
    return window.INGLESE.pagine[decodeURI(url.pathname.slice(base().pathname.length)).replace(/\.html$/, "")] ?? null;
  };

  const muta = (n) => n.nodeType === 1 && n.matches("i, svg, [aria-hidden='true'], .letto-segno");
  const scritto = (link) => pulito([...link.childNodes].filter((n) => !muta(n)).map((n) => n.textContent).join(""));

  const rimetti = [];  // come tornare all’italiano
  const nostri = new WeakSet();  // gli elementi che qui si dicono inglesi
  const segna = (e) => {
    const prima = e.getAttribute("lang");
    if (prima === "en") return;
    e.setAttribute("lang", "en");
    nostri.add(e);
    rimetti.push(() => (prima === null ? e.removeAttribute("lang") : e.setAttribute("lang", prima)));
  };
  const scrivi = (nodo, testo) => {
    const prima = nodo.data;
    nodo.data = prima.replace(pulito(prima).length ? /\S[^]*\S|\S/ : /$/, () => testo);
    rimetti.push(() => { nodo.data = prima; });
  };
  // ciò che non è una parola da tradurre, o che nella vista inglese non si vede
  const fuori = (e) => e.closest("script, style, .katex, pre, code, .blocco:has(> .lato-en) > .lato-it");
  const soloItaliana = () => !document.querySelector("article .blocco");

  function traduci(parte) {
    const articolo = soloItaliana() ? document.querySelector("article") : null;
    const sta = (e) => articolo?.contains(e) && !bilingue(e);  // una pagina solo italiana resta com’è
    const elementi = parte.nodeType === 1 ? [parte, ...parte.querySelectorAll("*")] : [];
    for (const e of elementi) {
      if (sta(e)) continue;
      for (const nome of ATTRIBUTI) {
        const prima = e.getAttribute(nome);
        const en = prima && dillo(e, prima);
        if (!en || en === prima) continue;
        e.setAttribute(nome, en);
        rimetti.push(() => e.getAttribute(nome) === en && e.setAttribute(nome, prima));
      }
      if (e.matches("a[href]") && !e.closest("article") && !e.querySelector("img")) {
        const en = scritto(e) ? titolo(e) : null;
        if (!en) continue;
        const dove = e.querySelector(".prev-next-title, .logo__title") ?? e;
        if (dove.closest("[data-tradotto]")) continue;
        const prima = [...dove.childNodes];
        const icone = prima.filter((n) => muta(n) && !n.matches(".katex-html"));
        dove.replaceChildren(...icone, en);
        dove.dataset.tradotto = "";
        segna(dove);
        rimetti.push(() => { dove.replaceChildren(...prima); delete dove.dataset.tradotto; });
      }
    }
    const testi = document.createTreeWalker(parte, NodeFilter.SHOW_TEXT);
    const nodi = [];
    while (testi.nextNode()) nodi.push(testi.currentNode);
    for (const nodo of nodi) {
      const e = nodo.parentElement;
      if (!e || sta(e) || !pulito(nodo.data)) continue;
      const tabella = e.closest("article table");
      if (tabella && /^(?:\d+|,|[\d\s.,–-]+)$/.test(pulito(nodo.data)) && nodo.data.includes(",")) {
        scrivi(nodo, pulito(nodo.data).replace(/,/g, "."));  // il punto dei decimali, anche nelle formule
        continue;
      }
      if (nodo.data === "," && e.matches(".mord > .mpunct:only-child")) {  // la virgola dei decimali in una formula
        scrivi(nodo, ".");
        continue;
      }
      const scritto = e.closest("[lang]:not(html)"), vivo = bilingue(e);
      if (fuori(e) || (scritto?.lang === "en" && !(vivo && nostri.has(scritto))) || (vivo && scritto?.lang === "it")) continue;
      const en = dillo(e, nodo.data);
      if (!en || en === nodo.data) continue;
      scrivi(nodo, en);
      segna(e);
    }
  }

  let osserva = null;
  const accendi = () => {
    if (!inglese() || !window.INGLESE || osserva) return;
    if (!soloItaliana()) {
      radice.lang = "en";
      rimetti.push(() => { radice.lang = "it"; });
    }
    for (const link of document.querySelectorAll(".bd-sidebar-primary nav a[href]")) {
      const en = titolo(link);
      if (en) titoli.set(scritto(link), en);
    }
    traduci(document.body);
    document.querySelectorAll("article .citation > p:not(.citato-in)").forEach(segna);  // i riferimenti lo sono già
    for (const img of document.querySelectorAll(".blocco:has(> .nostra-en) img")) {  // i nostri disegni
      const prima = img.alt;
      img.alt = img.closest(".blocco").querySelector(":scope > .nostra-en").textContent;
      rimetti.push(() => { img.alt = prima; });
    }
    const nome = decodeURI(location.pathname.slice(base().pathname.length)).replace(/\.html$/, "");
    const suo = window.INGLESE.pagine[nome], prima = document.title;
    if (suo) {
      document.title = suo;
      rimetti.push(() => { document.title = prima; });
    }
    radice.dataset.tradotta = "";
    // ciò che si apre dopo: definizioni, finestre, bottoni; e gli attributi che il tema riscrive
    osserva = new MutationObserver((cambi) => {
      for (const { target, addedNodes, type } of cambi) {
        if (type === "attributes") bilingue(target) && traduci(target);
        addedNodes.forEach((n) => {
          if (!n.isConnected) return;
          if (n.nodeType === 1) traduci(n);
          else if (n.nodeType === 3 && bilingue(target)) traduci(target);
        });
      }
    });
    osserva.observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter: ["aria-valuetext"] });
  };
  const spegni = () => {
    osserva?.disconnect();
    osserva = null;
    while (rimetti.length) rimetti.pop()();
    delete radice.dataset.tradotta;
  };
  const cambia = () => {
    if (!inglese()) return spegni();
    if (window.INGLESE) return accendi();
    const parole = document.createElement("script");
    parole.src = new URL("_static/parole.js", base());
    parole.addEventListener("load", accendi);
    parole.addEventListener("error", () => { radice.dataset.tradotta = ""; });
    document.head.append(parole);
  };
  document.addEventListener("lingua", cambia);

  // ---------------------------------------------------------------- la lingua segue il lettore
  const porta = (evento) => {
    const link = evento.target.closest?.("a[href]");
    const scelta = new URLSearchParams(location.search).get("lingua");
    if (!link || !scelta || link.hasAttribute("download")) return;
    const url = new URL(link.href, location.href);
    if (!url.href.startsWith(base().href) || !/(?:\.html|\/)$/.test(url.pathname)) return;
    if (url.pathname === location.pathname && url.hash) return;  // nella stessa pagina
    url.searchParams.set("lingua", scelta);
    link.href = url.href;
  };
  for (const gesto of ["pointerdown", "click", "auxclick", "contextmenu"]) document.addEventListener(gesto, porta, true);

  document.addEventListener("DOMContentLoaded", cambia);
})();
