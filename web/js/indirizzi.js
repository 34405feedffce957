// L’indirizzo di un blocco, di un titolo, di un’affermazione: un clic lo copia e lo dice; accanto, la segnalazione.
document.addEventListener("DOMContentLoaded", () => {
  const progetto = JSON.parse(document.getElementById("progetto")?.textContent || "{}");
  // un’àncora che ha cambiato pagina: se questa pagina rimanda a lei, si va dov’è
  const ancora = location.hash.slice(1);
  if (ancora && !document.getElementById(decodeURIComponent(ancora))) {
    const altrove = document.querySelector(`article a[href$="#${CSS.escape(ancora)}"]`);
    if (altrove) location.replace(altrove.href);
  }

  const SEGNI = "article a.ancora, article a.headerlink";

  async function copia(testo) {
    try {
      await navigator.clipboard.writeText(testo);
      return true;
    } catch {  // senza permesso, o senza https
      const campo = document.createElement("textarea");
      campo.value = testo;
      campo.style.cssText = "position:fixed;opacity:0";
      document.body.append(campo);
      const prima = document.activeElement;
      campo.select();
      let riuscita = false;
      try { riuscita = document.execCommand("copy"); } catch { /* resta l’indirizzo nella barra */ }
      campo.remove();
      prima?.focus?.({ preventScroll: true });
      return riuscita;
    }
  }

  // Una segnalazione già avviata: la pagina, il punto, la versione del libro.
  function segnalazione(ancora) {
    if (!progetto.deposito) return null;
    const url = new URL(`${progetto.deposito}/issues/new`);
    url.searchParams.set("title", `${progetto.pagina}, ${ancora}: `);
    url.searchParams.set("body", `Pagina: ${progetto.pagina}\nPunto: ${ancora}\nVersione: ${progetto.versione}\n\nChe cosa non va:\n`);
    return url.href;
  }

  const avviso = document.createElement("div");
  avviso.className = "copiato";
  avviso.setAttribute("role", "status");
  document.body.append(avviso);
  let orologio = 0;
  const nascondi = () => avviso.replaceChildren();
  const scrivi = (nome, testo) => Object.assign(document.createElement(nome), { textContent: testo });

  document.addEventListener("click", async (evento) => {
    const segno = evento.target.closest?.(SEGNI);
    if (!segno || evento.ctrlKey || evento.metaKey || evento.shiftKey || evento.button) return;
    const riuscita = await copia(segno.href);
    avviso.replaceChildren(scrivi("span", riuscita ? "Indirizzo copiato." : "Indirizzo nella barra del browser."));
    const dove = segnalazione(decodeURIComponent(segno.hash.slice(1)));
    if (dove) {
      const link = Object.assign(scrivi("a", "Segnala un errore qui"), { href: dove, target: "_blank", rel: "noopener" });
      avviso.append(link);
    }
    clearTimeout(orologio);
    orologio = setTimeout(nascondi, 8000);
  });
  // finché ci si passa sopra, o ci si arriva con Tab, resta
  for (const [gesto, fai] of [["mouseenter", () => clearTimeout(orologio)], ["focusin", () => clearTimeout(orologio)],
    ["mouseleave", () => { orologio = setTimeout(nascondi, 3000); }], ["focusout", () => { orologio = setTimeout(nascondi, 3000); }]])
    avviso.addEventListener(gesto, fai);
  document.addEventListener("keydown", (evento) => evento.key === "Escape" && nascondi());
});
