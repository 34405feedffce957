// Lingua, corpo del testo e colori: si applicano prima che la pagina si disegni, e il browser li ricorda.
(() => {
  const radice = document.documentElement;
  const LINGUE = ["it", "due", "en"];
  const CORPI = [100, 108.5, 118.75, 137.5, 162.5, 187.5];  // percento; 100 = 16 px
  const leggi = (nome) => { try { return localStorage.getItem("libro-" + nome); } catch { return null; } };
  const scrivi = (nome, valore) => { try { localStorage.setItem("libro-" + nome, valore); } catch { /* vietato */ } };

  const buio = matchMedia("(prefers-color-scheme: dark)");
  const colora = (modo) => {
    radice.dataset.mode = modo;
    radice.dataset.theme = modo === "auto" ? (buio.matches ? "dark" : "light") : modo;
  };
  colora([leggi("colori")].find((v) => ["light", "dark"].includes(v)) ?? "auto");
  buio.addEventListener("change", () => colora(radice.dataset.mode));

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
      if (b.disabled && b.tabIndex === 0) document.querySelector(`button[data-lingua="${lingua}"]`).tabIndex = 0;
    });
  };
  applica();

  // Ciò che si legge resta dov’era sullo schermo: l’elemento più vicino alla riga che si legge, poco sotto la testata,
  // fra quelli che si vedono prima e dopo.
  let ultimo = null;  // cambiata la lingua e non scorso: chi torna indietro ritrova il punto da cui era partito
  const fermo = () => {
    const stesso = ultimo && Math.abs(scrollY - ultimo.dopo) < 2 ? ultimo : null;
    if (!scrollY && !stesso) return () => {};
    const testata = Math.max(document.querySelector(".bd-header-article")?.getBoundingClientRect().bottom ?? 0, 0);
    const riga = testata + (innerHeight - testata) * .18;
    const vicini = [];
    for (const e of document.querySelectorAll("article :is(.blocco, p, pre, li, h1, h2, h3, h4, table, img)")) {
      const posto = e.getBoundingClientRect();
      const distanza = Math.max(posto.top - riga, riga - posto.bottom, 0);
      if (posto.height && (distanza < innerHeight || e.matches(".blocco"))) vicini.push([distanza, posto.height, posto.top, e]);
    }
    vicini.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    return (parte) => {  // con «parte», chi cresce tiene ferma la riga che si legge, non la sua cima
      if (stesso && !parte) vicini.unshift(stesso.vicino);
      const vicino = vicini.find(([, , , e]) => e.getBoundingClientRect().height);
      if (!vicino) return;
      const posto = vicino[3].getBoundingClientRect();
      const dentro = Math.min(Math.max((riga - vicino[2]) / vicino[1], 0), 1) * posto.height;
      const prima = parte && vicino[2] < riga ? riga - dentro : Math.min(Math.max(vicino[2], riga - posto.height), innerHeight * .4);
      scrollBy({ top: posto.top - prima, behavior: "instant" });
      ultimo = parte ? null : { vicino, dopo: scrollY };
    };
  };

  // I comandi di lettura sono una barra: una fermata sola della tastiera, le frecce vanno dall’uno all’altro.
  const barra = (comandi) => {
    const bottoni = [...comandi.querySelectorAll("button")];
    const ferma = (b) => bottoni.forEach((altro) => { altro.tabIndex = altro === b ? 0 : -1; });
    ferma(bottoni.find((b) => b.getAttribute("aria-pressed") === "true") ?? bottoni[0]);
    comandi.addEventListener("focusin", (evento) => ferma(evento.target));
    comandi.addEventListener("keydown", (evento) => {
      const verso = { ArrowRight: 1, ArrowLeft: -1 }[evento.key];
      if (!verso) return;
      evento.preventDefault();
      const attivi = bottoni.filter((b) => !b.disabled);
      attivi.at((attivi.indexOf(evento.target) + verso) % attivi.length).focus();
    });
  };

  document.addEventListener("DOMContentLoaded", () => {
    applica();
    document.querySelectorAll(".lettura").forEach(barra);
    document.querySelectorAll(".theme-switch-button").forEach((bottone) => bottone.addEventListener("click", () => {
      const modi = buio.matches ? ["auto", "light", "dark"] : ["auto", "dark", "light"];  // il primo clic si vede
      colora(modi[(modi.indexOf(radice.dataset.mode) + 1) % 3]);
      scrivi("colori", radice.dataset.mode);
    }));
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
      torna(Boolean(bottone.dataset.corpo));
    });
  });
})();
