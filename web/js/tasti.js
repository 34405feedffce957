// Pochi tasti, e la finestra che li dice. Mai dentro un campo, mai con Ctrl, Alt o Meta; chi non li vuole li spegne.
document.addEventListener("DOMContentLoaded", () => {
  const leggi = () => { try { return localStorage.getItem("libro-tasti") !== "no"; } catch { return true; } };
  const scrivi = (accesi) => { try { localStorage.setItem("libro-tasti", accesi ? "si" : "no"); } catch { /* vietato */ } };
  let accesi = leggi();

  const vai = (quale) => document.querySelector(`link[rel="${quale}"]`)?.href;
  const porta = (href) => {
    if (!href) return;
    const link = Object.assign(document.createElement("a"), { href });  // un clic vero: la lingua scelta lo segue
    link.hidden = true;
    document.body.append(link);
    link.click();
    link.remove();
  };
  const preme = (selettore) => [...document.querySelectorAll(selettore)].find((e) => e.checkVisibility())?.click();
  const lingua = () => {
    const bottoni = [...document.querySelectorAll("button[data-lingua]")];
    const quale = bottoni.findIndex((b) => b.getAttribute("aria-pressed") === "true");
    bottoni[(quale + 1) % bottoni.length]?.click();
  };
  const TASTI = {
    ArrowLeft: () => porta(vai("prev")),
    ArrowRight: () => porta(vai("next")),
    "/": () => preme(".search-button__button"),
    g: () => porta(document.querySelector(".bd-sidebar-primary .logo")?.href),
    l: lingua,
    s: () => document.dispatchEvent(new CustomEvent("aiuti:simboli")),
    "?": () => aiuto(),
  };
  const NOMI = [
    [["←", "→"], "pagina precedente e successiva"], [["/", "Ctrl K"], "cerca nel libro"], [["g"], "indice del libro"],
    [["l"], "lingua: italiano, due lingue, inglese"], [["s"], "simboli di questa pagina"], [["?"], "questo aiuto"],
    [["Esc"], "chiude ciò che è aperto"],
  ];
  const AIUTI = [
    "Un simbolo in una formula, una citazione, il rimando a una nota o a una figura: con il puntatore sopra, o con un tocco, si apre la sua spiegazione.",
    "Il segno § accanto a un capoverso ne copia l’indirizzo.",
    "Un clic su una figura la apre a tutto schermo.",
  ];

  document.addEventListener("keydown", (evento) => {
    if (evento.defaultPrevented || evento.ctrlKey || evento.altKey || evento.metaKey || evento.isComposing) return;
    const tasto = TASTI[evento.key.length === 1 ? evento.key.toLowerCase() : evento.key];
    if (!tasto || (!accesi && evento.key !== "?")) return;
    const e = evento.target;
    if (e.closest?.("input, textarea, select, [contenteditable], [role='tab'], [role='slider'], [role='grid'], [role='listbox'], [role='menu'], attenzione-vista")) return;
    if (document.querySelector("dialog[open], .search-button__wrapper.show")) return;
    if (evento.key.startsWith("Arrow") && (evento.shiftKey || e.closest?.("[tabindex='0']"))) return;  // lì le frecce scorrono
    evento.preventDefault();
    tasto();
  });

  function aiuto() {
    document.querySelector("dialog.tasti")?.remove();
    const finestra = document.createElement("dialog");
    finestra.className = "aiuti tasti";
    finestra.setAttribute("aria-label", "Aiuto e tasti");
    const righe = NOMI.map(([tasti, nome]) => `<div><dt>${tasti.map((t) => `<kbd>${t}</kbd>`).join(" ")}</dt><dd>${nome}</dd></div>`);
    finestra.innerHTML = `<form method="dialog"><button class="aiuti-chiudi" aria-label="Chiudi">×</button></form>
      <h2>Aiuto e tasti</h2>${AIUTI.map((a) => `<p>${a}</p>`).join("")}<dl>${righe.join("")}</dl>
      <p><label><input type="checkbox" class="tasti-accesi"> <span>Tasti accesi</span></label></p>
      <p><button type="button" class="aiuti-bottone" data-fai="simboli">Simboli di questa pagina</button></p>
      <p>Il browser ricorda, solo qui, dove si è arrivati e che cosa si è letto.</p>
      <p><button type="button" class="aiuti-bottone" data-fai="dimentica">Dimentica</button> <span role="status"></span></p>`;
    const scelta = finestra.querySelector("input");
    scelta.checked = accesi;
    scelta.addEventListener("change", () => { accesi = scelta.checked; scrivi(accesi); });
    finestra.addEventListener("click", (evento) => {
      if (evento.target === finestra) finestra.close();
      const fai = evento.target.closest("[data-fai]")?.dataset.fai;
      if (!fai) return;
      if (fai === "simboli") finestra.close();
      document.dispatchEvent(new CustomEvent(`aiuti:${fai}`));
      if (fai === "dimentica") finestra.querySelector("[role='status']").append(Object.assign(document.createElement("span"), { textContent: "Dimenticato." }));
    });
    finestra.addEventListener("close", () => finestra.remove());
    document.body.append(finestra);
    finestra.showModal();
  }
  document.addEventListener("click", (evento) => evento.target.closest?.("button.aiuto") && aiuto());
});
