// Il menu «Scarica» della testata: si apre e si chiude, da tastiera e col dito, senza i 70 kB di Bootstrap.
document.addEventListener("DOMContentLoaded", () => {
  for (const bottone of document.querySelectorAll("[data-bs-toggle='dropdown']")) {
    const menu = bottone.nextElementSibling, voci = () => [...menu.querySelectorAll("a, button")];
    const apri = (aperto) => {
      menu.classList.toggle("show", aperto);
      bottone.setAttribute("aria-expanded", String(aperto));
    };
    bottone.addEventListener("click", () => apri(!menu.classList.contains("show")));
    bottone.parentElement.addEventListener("keydown", (evento) => {
      const passo = { ArrowDown: 1, ArrowUp: -1 }[evento.key];
      if (evento.key === "Escape" && menu.classList.contains("show")) {
        apri(false);
        bottone.focus();
      } else if (passo) {
        evento.preventDefault();
        apri(true);
        const qui = voci().indexOf(document.activeElement);
        voci().at((qui + passo) % voci().length)?.focus();
      }
    });
    document.addEventListener("click", (evento) => bottone.parentElement.contains(evento.target) || apri(false));
    bottone.parentElement.addEventListener("focusout", (evento) =>
      evento.relatedTarget && !bottone.parentElement.contains(evento.relatedTarget) && apri(false));
  }
});
