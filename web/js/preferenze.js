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

  document.addEventListener("DOMContentLoaded", () => {
    applica();
    document.addEventListener("click", (evento) => {
      const bottone = evento.target.closest("button[data-lingua], button[data-corpo]");
      if (!bottone) return;
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
      window.dispatchEvent(new Event("resize"));
    });
  });
})();
