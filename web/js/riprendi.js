// «Si riprende da…»: la riga della copertina che porta dove si era arrivati, se il browser se lo ricorda.
document.addEventListener("DOMContentLoaded", () => {
  const riga = document.querySelector("article p.riprendi");
  let dove = null;
  try { dove = JSON.parse(localStorage.getItem("libro-dove")); } catch { /* vietato, o scritto da altri */ }
  if (!riga || typeof dove?.titolo !== "string" || !/^[\w-]+(?:\/[\w-]+)*\.html$/.test(dove.pagina)) return;
  const meta = new URL(dove.pagina, new URL(document.documentElement.dataset.content_root || "./", location.href));
  if (typeof dove.ancora === "string") meta.hash = dove.ancora;
  const parola = (testo, classe, lang) => Object.assign(document.createElement("span"), { textContent: testo, className: classe, lang });
  const link = Object.assign(document.createElement("a"), { href: meta.href, textContent: dove.titolo, lang: "it" });
  riga.replaceChildren(parola("Si riprende da ", "solo-it", "it"), parola("Resume at ", "solo-en", "en"), link);
  riga.classList.add("ricordata");
});
