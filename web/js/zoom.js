// Una figura a tutto schermo: un clic o Invio la apre, Esc la chiude; lì si ingrandisce e si scorre.
document.addEventListener("DOMContentLoaded", () => {
  const FIGURE = "article :is(.cell_output, figure) img, article .blocco-figure img";
  const GRADI = [1, 1.5, 2, 3];  // volte la grandezza del disegno; prima, se non ci sta, c’è la figura intera
  const naturale = (img) => Number(img.getAttribute("width")) || img.naturalWidth || 600;

  for (const img of document.querySelectorAll(FIGURE)) {
    if (img.closest("a, attenzione-vista") || img.dataset.siIngrandisce) continue;
    img.dataset.siIngrandisce = "";
    const bottone = document.createElement("button");
    bottone.type = "button";
    bottone.className = "ingrandisci";
    bottone.setAttribute("aria-label", "Ingrandisci la figura");
    bottone.title = "Ingrandisci";
    bottone.innerHTML = '<span aria-hidden="true">⤢</span>';
    bottone.addEventListener("click", () => apri(img, bottone));
    img.classList.add("ingrandibile");
    (img.closest(".quadro") ?? img).after(bottone);
    img.addEventListener("click", () => apri(img, bottone));
  }

  function apri(img, chi) {
    const finestra = document.createElement("dialog");
    finestra.className = "zoom";
    finestra.setAttribute("aria-label", "Figura ingrandita");
    finestra.innerHTML = `<div class="zoom-comandi">
      <button type="button" data-grado="-1" aria-label="Più piccola">−</button>
      <button type="button" data-grado="1" aria-label="Più grande">+</button>
      <button type="button" class="aiuti-chiudi" aria-label="Chiudi">×</button></div>
      <div class="zoom-campo" tabindex="0" autofocus role="group" aria-label="Figura ingrandita"></div>`;
    const campo = finestra.querySelector(".zoom-campo");
    const figura = img.cloneNode();
    figura.loading = "eager";
    figura.removeAttribute("id");
    figura.classList.remove("ingrandibile");
    campo.append(figura);
    // la grandezza del disegno, dove le etichette sono quelle del testo; più grande, se lo schermo ne ha
    let larga, gradi, inizio, grado;
    const comincia = () => {
      const alto = img.naturalHeight / img.naturalWidth || .6, orlo = 2 * parseFloat(getComputedStyle(campo).paddingLeft);
      const intera = Math.min(campo.clientWidth - orlo, (campo.clientHeight - orlo) / alto, naturale(img) * 2);
      larga = Math.max(naturale(img), intera);
      gradi = intera < larga ? [Math.floor(intera) / larga, ...GRADI] : GRADI;
      grado = inizio = gradi.indexOf(1);
      misura();
    };
    const misura = () => {
      figura.style.width = `${Math.round(larga * gradi[grado])}px`;
      for (const b of finestra.querySelectorAll("[data-grado]")) b.disabled = !((grado + Number(b.dataset.grado)) in gradi);
    };
    const cambia = (nuovo, x = .5, y = .5) => {
      grado = Math.min(Math.max(nuovo, 0), gradi.length - 1);
      misura();
      campo.scrollTo((campo.scrollWidth - campo.clientWidth) * x, (campo.scrollHeight - campo.clientHeight) * y);
    };
    finestra.addEventListener("click", (evento) => {
      const bottone = evento.target.closest("button");
      if (bottone?.dataset.grado) cambia(grado + Number(bottone.dataset.grado));
      else if (bottone || evento.target === campo || evento.target === finestra) finestra.close();
    });
    figura.addEventListener("click", (evento) => {
      const posto = figura.getBoundingClientRect();
      cambia(grado === inizio ? inizio + 2 : inizio, (evento.clientX - posto.left) / posto.width, (evento.clientY - posto.top) / posto.height);
    });
    finestra.addEventListener("keydown", (evento) => {
      if (evento.key === "+" || evento.key === "-") cambia(grado + (evento.key === "+" ? 1 : -1));
    });
    finestra.addEventListener("close", () => {
      finestra.remove();
      chi.focus({ preventScroll: true });
    });
    document.body.append(finestra);
    finestra.showModal();
    comincia();
  }
});
