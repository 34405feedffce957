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

  const larghi = "div.math, div.highlight pre, .cell_output, .pst-scrollable-table-container";
  const raggiungibili = () => document.querySelectorAll(larghi).forEach((e) => {
    const scorre = [e, ...e.querySelectorAll(".katex-display, pre")].filter((x) => x.scrollWidth > x.clientWidth + 1);
    scorre.forEach((x) => x.setAttribute("tabindex", "0"));
  });
  raggiungibili();
  window.addEventListener("resize", raggiungibili);
});
