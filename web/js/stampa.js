// La stampa ha tutte le figure, anche quelle a cui non si è arrivati: prima di stampare si caricano.
(() => {
  const pronte = () => Promise.all([...document.querySelectorAll("img[loading='lazy']")].map((figura) => {
    figura.loading = "eager";
    return figura.decode().catch(() => 0);
  }));
  addEventListener("beforeprint", pronte);
  document.addEventListener("click", (evento) => {
    const bottone = evento.target.closest(".btn-download-pdf-button");
    if (!bottone) return;
    evento.preventDefault();
    pronte().then(() => print());
  });
  document.addEventListener("DOMContentLoaded", () => document.querySelector(".btn-download-pdf-button")?.removeAttribute("onclick"));
  // a pagina letta e rete ferma arrivano da sé: chi stampa dal menu del browser non aspetta
  addEventListener("load", () => setTimeout(() => navigator.connection?.saveData || pronte(), 4000));
})();
