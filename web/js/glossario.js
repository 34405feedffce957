// Il glossario: le lettere e un filtro sopra i termini. Le voci sono tutte nella pagina: qui se ne nascondono.
document.addEventListener("DOMContentLoaded", () => {
  const elenchi = [...document.querySelectorAll("article dl.glossary")];
  if (elenchi.length < 20) return;
  const nudo = (testo) => testo.normalize("NFD").replace(/[\u0300-\u036f]/g, "").replace(/[’‘]/g, "'").toLowerCase();
  const inglese = () => document.documentElement.dataset.lingua === "en";
  const voci = elenchi.map((elenco) => {
    const termine = elenco.querySelector("dt"), nome = nudo(termine.firstChild.textContent.trim());
    return { elenco, termine, nome, lettera: /[a-z]/.test(nome[0]) ? nome[0].toUpperCase() : "#", testo: null };
  });

  const banco = document.createElement("div"), campo = document.createElement("input"), nota = document.createElement("p");
  banco.className = "glossario-banco pst-js-only";
  campo.type = "search";
  campo.className = "glossario-filtro";
  campo.autocomplete = "off";
  campo.spellcheck = false;
  nota.className = "glossario-nota";
  nota.setAttribute("role", "status");
  const lettere = document.createElement("nav");
  lettere.className = "glossario-lettere";
  const prime = new Map();
  for (const voce of voci) if (!prime.has(voce.lettera)) prime.set(voce.lettera, voce);
  for (const [lettera, voce] of [...prime].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const link = document.createElement("a");
    link.href = `#${voce.termine.id}`;
    link.textContent = lettera;
    lettere.append(link);
  }
  const dillo = () => {
    const scritta = inglese() ? "Filter the terms" : "Filtra i termini";
    campo.placeholder = scritta;
    campo.setAttribute("aria-label", scritta);
    lettere.setAttribute("aria-label", inglese() ? "Letters" : "Lettere");
  };
  dillo();
  banco.append(campo, lettere, nota);
  elenchi[0].before(banco);

  function filtra() {
    const parole = nudo(campo.value).split(/\s+/).filter(Boolean);
    let quante = 0;
    for (const voce of voci) {
      if (parole.length) voce.testo ??= nudo(voce.elenco.textContent);
      const resta = parole.every((parola) => voce.nome.includes(parola) || voce.testo.includes(parola));
      voce.elenco.hidden = !resta;
      quante += resta;
    }
    lettere.hidden = parole.length > 0;
    const suoi = inglese() ? `${quante} terms of ${voci.length}` : `${quante} ${quante === 1 ? "termine" : "termini"} su ${voci.length}`;
    nota.textContent = parole.length ? suoi : "";
    if (parole.length && scrollY > banco.parentElement.offsetTop) banco.previousElementSibling?.scrollIntoView();
  }
  let attesa = 0;
  campo.addEventListener("input", () => { clearTimeout(attesa); attesa = setTimeout(filtra, 80); });
  function arriva() {  // un termine nascosto si mostra; le voci di mezzo, disegnate adesso, lo spostano: si torna lì
    const dove = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!dove?.closest("dl.glossary, dl.notazione")) return;
    if (dove.closest("[hidden]")) {
      campo.value = "";
      filtra();
    }
    let volte = 0;
    const ancora = () => { dove.scrollIntoView(); if (++volte < 4) requestAnimationFrame(ancora); };
    requestAnimationFrame(ancora);
  }
  addEventListener("hashchange", arriva);
  addEventListener("load", arriva);
  new MutationObserver(dillo).observe(document.documentElement, { attributes: true, attributeFilter: ["data-lingua"] });
});
