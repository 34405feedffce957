// Ciò che si apre dalla testata: il menu «Scarica» e la finestra della ricerca, da tastiera e col dito.
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

  const finestra = document.getElementById("pst-search-dialog");
  const cerca = () => {  // nella pagina della ricerca la casella c’è già
    const casella = [...document.querySelectorAll("form.bd-search input")].find((e) => !finestra?.contains(e));
    if (casella) casella.select();
    else if (finestra?.open) finestra.close();
    else if (finestra) {
      finestra.showModal();
      finestra.querySelector("input").select();
    }
  };
  finestra?.addEventListener("keydown", (evento) => {  // anche da una casella piena, che il browser prima svuoterebbe
    if (evento.key !== "Escape") return;
    evento.preventDefault();
    finestra.close();
  });
  document.querySelectorAll(".search-button__button").forEach((bottone) => bottone.addEventListener("click", cerca));
  document.addEventListener("keydown", (evento) => {
    if (evento.key.toLowerCase() !== "k" || evento.shiftKey || evento.altKey || evento.ctrlKey === evento.metaKey) return;
    evento.preventDefault();
    cerca();
  });
  finestra?.addEventListener("click", ({ clientX: x, clientY: y, target }) => {  // fuori dalla finestra
    const scatola = finestra.getBoundingClientRect();
    const dentro = x >= scatola.left && x <= scatola.right && y >= scatola.top && y <= scatola.bottom;
    if (target === finestra && !dentro) finestra.close();
  });
});
