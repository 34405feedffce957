// Lingua, corpo del testo e colori: si applicano prima che la pagina si disegni, e il browser li ricorda.
(() => {
  const radice = document.documentElement;
  if (!["light", "dark", "auto"].includes(radice.dataset.mode)) radice.dataset.mode = "auto";
  if (radice.dataset.mode === "auto") {
    radice.dataset.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  }

  const LINGUE = ["it", "due", "en"];
  const CORPI = [100, 108.5, 118.75, 137.5, 162.5, 187.5];  // percento; 100 = 16 px
  const leggi = (nome) => { try { return localStorage.getItem("libro-" + nome); } catch { return null; } };
  const scrivi = (nome, valore) => { try { localStorage.setItem("libro-" + nome, valore); } catch { /* vietato */ } };
  const indirizzo = new URLSearchParams(location.search).get("lingua");

  let lingua = [indirizzo, leggi("lingua"), "due"].find((v) => LINGUE.includes(v));
  if (lingua === indirizzo) scrivi("lingua", lingua);
  let corpo = parseInt(leggi("corpo") ?? "2", 10);
  if (!(corpo in CORPI)) corpo = 2;

  const applica = () => {
    radice.dataset.lingua = lingua;
    radice.style.fontSize = CORPI[corpo] + "%";
    document.querySelectorAll("button[data-lingua]").forEach((b) =>
      b.setAttribute("aria-pressed", String(b.dataset.lingua === lingua)));
    document.querySelectorAll("button[data-corpo]").forEach((b) => {
      b.disabled = !((corpo + Number(b.dataset.corpo)) in CORPI);
    });
  };
  applica();

  // Ciò che si legge resta dov’era sullo schermo: il blocco più vicino alla riga sotto la testata, o il capoverso.
  const fermo = () => {
    const riga = (document.querySelector(".bd-header-article")?.getBoundingClientRect().bottom ?? 0) + 8;
    const lontano = (e) => {
      const posto = e.getBoundingClientRect();
      return posto.height ? Math.max(posto.top - riga, riga - posto.bottom, 0) : Infinity;
    };
    let scelto = null, minimo = Infinity;
    const blocchi = document.querySelectorAll("article .blocco");
    for (const e of blocchi.length ? blocchi : document.querySelectorAll("article :is(p, pre, li, h1, h2, h3)")) {
      const distanza = lontano(e);
      if (distanza < minimo) [scelto, minimo] = [e, distanza];
    }
    if (!scelto || !scrollY) return () => {};
    const prima = Math.min(Math.max(scelto.getBoundingClientRect().top, riga - scelto.offsetHeight), innerHeight * .4);
    return () => scrollBy({ top: scelto.getBoundingClientRect().top - prima, behavior: "instant" });
  };

  document.addEventListener("DOMContentLoaded", () => {
    applica();
    document.addEventListener("click", (evento) => {
      const bottone = evento.target.closest("button[data-lingua], button[data-corpo]");
      if (!bottone) return;
      const torna = fermo();
      if (bottone.dataset.lingua) {
        lingua = bottone.dataset.lingua;
        scrivi("lingua", lingua);
        const url = new URL(location.href);
        url.searchParams.set("lingua", lingua);
        try { history.replaceState(null, "", url); } catch { /* file: in alcuni browser */ }
      } else {
        corpo += Number(bottone.dataset.corpo);
        scrivi("corpo", corpo);
      }
      applica();
      document.dispatchEvent(new CustomEvent("lingua"));
      window.dispatchEvent(new Event("resize"));
      torna();
    });
  });
})();
