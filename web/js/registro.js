// La pagina del registro: si scelgono le affermazioni per sezione, specie di prova, esito. Senza programma si vedono tutte.
document.addEventListener("DOMContentLoaded", () => {
  const voci = [...document.querySelectorAll(".affermazione[data-verdetto]")];
  const conteggi = document.querySelector(".registro-conteggi");
  if (!voci.length || !conteggi) return;

  const modulo = document.createElement("form");
  modulo.className = "registro-scelte";
  modulo.setAttribute("aria-label", "Quali affermazioni mostrare");
  for (const [dato, etichetta] of [["sezione", "sezione"], ["verdetto", "specie di prova"], ["esito", "esito"]]) {
    const scelta = document.createElement("select");
    scelta.name = dato;
    scelta.append(new Option("tutte", ""));
    for (const valore of new Set(voci.map((voce) => voce.dataset[dato]))) scelta.append(new Option(valore));
    if (dato === "esito") scelta.options[0].text = "tutti";
    const nome = document.createElement("label");
    nome.append(`${etichetta} `, scelta);
    modulo.append(nome);
  }
  const quante = document.createElement("output");
  modulo.append(quante);
  conteggi.after(modulo);

  const applica = () => {
    const scelte = [...new FormData(modulo)].filter(([, valore]) => valore);
    for (const voce of voci) voce.hidden = scelte.some(([dato, valore]) => voce.dataset[dato] !== valore);
    for (const sezione of document.querySelectorAll("section:has(> .affermazione[data-verdetto])"))
      sezione.hidden = !sezione.querySelector(".affermazione:not([hidden])");
    const visibili = voci.filter((voce) => !voce.hidden).length;
    quante.textContent = scelte.length ? `${visibili} su ${voci.length}` : "";
  };
  modulo.addEventListener("change", applica);
  modulo.addEventListener("submit", (evento) => evento.preventDefault());

  // chi arriva a una voce dal capitolo, o con «Indietro», la trova anche se la scelta la nascondeva
  const mostra = () => {
    const voce = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!voce || !voce.closest("[hidden]")) return;
    modulo.reset();
    applica();
    voce.scrollIntoView();
  };
  addEventListener("hashchange", mostra);
  applica();
});
