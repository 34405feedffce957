// Le frasi della ricerca che Sphinx non ha in italiano; i riassunti dei risultati, da file, il browser non li dà.
Object.assign(Documentation.TRANSLATIONS, {
  "Search finished, found ${resultCount} page(s) matching the search query.": "Pagine trovate: ${resultCount}.",
});
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

// L’indice della ricerca pesa quanto molte pagine: si prende quando si arriva alla casella.
document.addEventListener("focusin", (evento) => {
  if (!evento.target.matches("form.bd-search input") || Search.hasIndex() || document.getElementById("indice")) return;
  const indice = document.createElement("script");
  indice.id = "indice";
  indice.src = document.documentElement.dataset.content_root + "searchindex.js";
  document.head.append(indice);
});

// Definizioni al passaggio, al fuoco e al tocco; riquadri scorrevoli raggiungibili da tastiera.
document.addEventListener("DOMContentLoaded", () => {
  const voci = window.GLOSSARIO || {};
  const tocco = () => matchMedia("(hover: none)").matches;
  document.querySelectorAll("article a.reference.internal[href*='#term-']").forEach((link) => {
    const definizione = voci[decodeURIComponent(link.hash.slice(1))];
    if (!definizione || link.closest("dl.glossary dt")) return;
    const tip = tippy(link, {
      content: definizione, allowHTML: true, interactive: true, theme: "libro", maxWidth: 420,
      trigger: "mouseenter focus", touch: true, delay: [150, 50], appendTo: () => document.body,
      aria: { content: "describedby", expanded: false },
    });
    link.addEventListener("click", (evento) => {  // al tocco: prima la definizione, poi la pagina
      if (!tocco() || link.dataset.aperto) return;
      evento.preventDefault();
      link.dataset.aperto = "1";
      tip.show();
      tip.setProps({ onHidden: () => delete link.dataset.aperto });
    });
  });

  document.addEventListener("keydown", (evento) => evento.key === "Escape" && tippy.hideAll());

  // ciò che scorre di lato lo dice (un’ombra dove continua) e si raggiunge da tastiera; il resto non è una fermata
  const larghi = ".katex-display, .bd-article pre, .pst-scrollable-table-container, .cell_output .output_html";
  const raggiungibili = () => {
    const scatole = [...document.querySelectorAll(larghi)];
    const scorre = scatole.map((e) => e.clientWidth > 0 && e.scrollWidth > e.clientWidth + 1);
    scatole.forEach((e, i) => {
      if (e.classList.contains("scorre") === scorre[i] && (scorre[i] || !e.hasAttribute("tabindex"))) return;
      e.classList.toggle("scorre", scorre[i]);
      if (scorre[i]) e.setAttribute("tabindex", "0");
      else e.removeAttribute("tabindex");
    });
  };
  raggiungibili();
  document.fonts.ready.then(raggiungibili);
  const articolo = document.querySelector(".bd-article");
  if (articolo) new ResizeObserver(raggiungibili).observe(articolo);  // la finestra, la colonna che si chiude, il corpo
  document.addEventListener("toggle", raggiungibili, true);  // un riquadro che si apre
});
