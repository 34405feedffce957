// Definizioni al passaggio, al fuoco e al tocco; riquadri scorrevoli raggiungibili da tastiera.
document.addEventListener("DOMContentLoaded", () => {
  const voci = window.GLOSSARIO || {};
  const tocco = () => matchMedia("(hover: none)").matches;
  const TERMINE = "article a.reference.internal[href*='#term-']";
  function arma(link) {  // quando ci si arriva: una pagina ha centinaia di richiami
    const definizione = voci[decodeURIComponent(link.hash.slice(1))];
    if (!definizione || link._tippy || link.closest("dl.glossary dt")) return null;
    return tippy(link, {
      content: definizione, allowHTML: true, interactive: true, theme: "libro", maxWidth: 420,
      trigger: "mouseenter focus", touch: true, delay: [150, 50], appendTo: () => document.body,
      aria: { content: "describedby", expanded: false },
    });
  }
  for (const genere of ["mouseover", "focusin", "touchstart"]) {
    document.addEventListener(genere, (evento) => {
      const link = evento.target.closest?.(TERMINE);
      const tip = link && arma(link);
      if (!tip || genere === "touchstart") return;
      setTimeout(() => (link.matches(":hover") || link === document.activeElement) && tip.show(), 150);
    }, { passive: true });
  }
  document.addEventListener("click", (evento) => {  // al tocco: prima la definizione, poi la pagina
    const link = evento.target.closest?.(TERMINE), tip = link && (arma(link) ?? link._tippy);
    if (!tip || !tocco() || link.dataset.aperto) return;
    evento.preventDefault();
    link.dataset.aperto = "1";
    tip.show();
    tip.setProps({ onHidden: () => delete link.dataset.aperto });
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
