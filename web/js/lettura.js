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
      if (!link || link._tippy) return;
      conTippy(() => {
        const tip = arma(link);
        if (!tip || genere === "touchstart") return;
        setTimeout(() => (link.matches(":hover") || link === document.activeElement) && tip.show(), 150);
      });
    }, { passive: true });
  }
  document.addEventListener("click", (evento) => {  // al tocco: prima la definizione, poi la pagina
    const link = evento.target.closest?.(TERMINE);
    if (!link || !tocco() || link.dataset.aperto || !voci[decodeURIComponent(link.hash.slice(1))]) return;
    evento.preventDefault();
    link.dataset.aperto = "1";
    conTippy(() => {
      const tip = arma(link) ?? link._tippy;
      tip?.setProps({ onHidden: () => delete link.dataset.aperto });
      tip?.show();
    });
  });

  document.addEventListener("keydown", (evento) => evento.key === "Escape" && window.tippy?.hideAll());

  // ciò che scorre di lato lo dice (un’ombra dove continua) e si raggiunge da tastiera; il resto non è una fermata
  const larghi = ".katex-display, .bd-article pre, .pst-scrollable-table-container, .cell_output .output_html";
  const articolo = document.querySelector(".bd-article");
  let giro = 0;
  const raggiungibili = () => {
    if (document.documentElement.classList.contains("primo")) return;  // prima si disegna ciò che si vede
    const mio = ++giro, restano = [...document.querySelectorAll(larghi)];
    const fetta = () => {  // a fette: una pagina ne ha centinaia, e nessun compito dev’essere lungo
      if (mio !== giro) return;
      const scatole = restano.splice(0, 30);
      const scorre = scatole.map((e) => e.clientWidth > 0 && e.scrollWidth > e.clientWidth + 1);
      scatole.forEach((e, i) => {
        if (e.classList.contains("scorre") === scorre[i] && (scorre[i] || !e.hasAttribute("tabindex"))) return;
        e.classList.toggle("scorre", scorre[i]);
        if (scorre[i]) e.setAttribute("tabindex", "0");
        else e.removeAttribute("tabindex");
      });
      articolo.toggleAttribute("data-si-misura", restano.length > 0);
      if (restano.length) setTimeout(fetta);
    };
    if (articolo) fetta();
  };
  addEventListener("resize", raggiungibili);
  document.fonts.ready.then(raggiungibili);
  if (articolo) new ResizeObserver(raggiungibili).observe(articolo);  // la finestra, la colonna che si chiude, il corpo
  document.addEventListener("toggle", raggiungibili, true);  // un riquadro che si apre
});
