// La colonna: la pagina che si legge in vista, il titolo che si legge segnato; sullo schermo stretto è un cassetto.
document.addEventListener("DOMContentLoaded", () => {
  const radice = document.documentElement;
  const colonna = document.getElementById("pst-primary-sidebar");
  const apri = document.querySelector(".colonna-apri");
  if (!colonna || !apri) return;
  const stretto = matchMedia("(max-width: 959.98px)");

  // si scorre il solo riquadro della colonna, mai la pagina
  const inVista = (voce) => {
    if (!voce) return;
    const scatola = colonna.getBoundingClientRect(), posto = voce.getBoundingClientRect();
    if (posto.top >= scatola.top + 60 && posto.bottom <= scatola.bottom) return;
    colonna.scrollTop += posto.top - scatola.top - scatola.height / 3;
  };
  const corrente = () => inVista(colonna.querySelector("[aria-current='page']"));

  const segna = () => {
    const stato = radice.dataset.colonna;
    apri.setAttribute("aria-expanded", String(stretto.matches ? stato === "aperta" : stato !== "chiusa"));
    document.getElementById("main-content").inert = stretto.matches && stato === "aperta";
  };
  const chiudi = () => {
    if (radice.dataset.colonna !== "aperta") return;
    delete radice.dataset.colonna;
    segna();
    apri.focus();
  };
  apri.addEventListener("click", () => {
    if (!stretto.matches) {
      if (radice.dataset.colonna === "chiusa") delete radice.dataset.colonna;
      else radice.dataset.colonna = "chiusa";
    } else {
      radice.dataset.colonna = "aperta";
      corrente();
    }
    segna();
    if (stretto.matches) colonna.querySelector(".colonna-chiudi").focus();
    else window.dispatchEvent(new Event("resize"));
  });
  colonna.querySelector(".colonna-chiudi").addEventListener("click", chiudi);
  colonna.addEventListener("click", (evento) => {  // un titolo della pagina o la ricerca: il cassetto ha finito
    if (evento.target.closest(".in-questa-pagina a, .search-button-field")) chiudi();
  });
  document.addEventListener("keydown", (evento) => evento.key === "Escape" && chiudi());
  document.addEventListener("click", (evento) => {
    if (radice.dataset.colonna === "aperta" && !evento.target.closest("#pst-primary-sidebar, .colonna-apri")) chiudi();
  });
  stretto.addEventListener("change", () => { delete radice.dataset.colonna; segna(); });
  segna();
  corrente();

  // il titolo che si legge
  const voci = new Map([...colonna.querySelectorAll(".in-questa-pagina a")].map((voce) =>
    [document.getElementById(decodeURIComponent(voce.hash.slice(1))), voce]));
  voci.delete(null);
  let ultima = null;
  const visti = new Set();
  const osserva = new IntersectionObserver((cambi) => {
    for (const cambio of cambi) visti[cambio.isIntersecting ? "add" : "delete"](cambio.target);
    const qui = [...voci.keys()].filter((sezione) => visti.has(sezione)).pop();
    const voce = voci.get(qui) ?? null;
    if (voce === ultima) return;
    ultima?.classList.remove("qui");
    voce?.classList.add("qui");
    ultima = voce;
    if (!stretto.matches) inVista(voce);
  }, { rootMargin: "-64px 0px -75% 0px" });
  for (const sezione of voci.keys()) osserva.observe(sezione);
});
