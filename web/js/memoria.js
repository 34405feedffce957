// Dove si è arrivati, che cosa si è letto, quanto manca: resta nel browser, e si può cancellare (tasti.js).
document.addEventListener("DOMContentLoaded", () => {
  const progetto = JSON.parse(document.getElementById("progetto")?.textContent || "{}");
  const articolo = document.querySelector("article");
  if (!progetto.capitolo || !articolo) return;
  const pagina = `${progetto.pagina}.html`;
  const leggi = (nome) => { try { return JSON.parse(localStorage.getItem(nome)); } catch { return null; } };
  const scrivi = (nome, valore) => { try { localStorage.setItem(nome, JSON.stringify(valore)); } catch { /* vietato */ } };

  // ---------------------------------------------------------------- quanto manca
  const barra = document.createElement("div");
  barra.className = "avanzamento";
  barra.setAttribute("aria-hidden", "true");
  document.body.append(barra);

  // ---------------------------------------------------------------- che cosa si è letto
  const radice = new URL(document.documentElement.dataset.content_root || "./", location.href);
  function segna() {
    const letti = leggi("libro-letti") ?? {};
    for (const link of document.querySelectorAll(".bd-sidebar-primary nav a[href]")) {
      const url = new URL(link.href, location.href);
      const nome = url.hash && !link.matches("[href='#']") ? "" : decodeURI(url.pathname).slice(radice.pathname.length);
      const suo = nome in letti;
      if (suo === link.classList.contains("letto")) continue;
      link.classList.toggle("letto", suo);
      link.querySelector(":scope > .letto-segno")?.remove();
      if (suo) {
        const segno = Object.assign(document.createElement("span"), { className: "letto-segno", title: "letto" });
        segno.setAttribute("role", "img");
        segno.setAttribute("aria-label", "letto");
        segno.textContent = "✓";
        link.append(segno);
      }
    }
  }

  // ---------------------------------------------------------------- dove si è arrivati
  const punti = [...articolo.querySelectorAll(".blocco[id], section[id]")];
  const titolo = articolo.querySelector("h1")?.cloneNode(true);
  titolo?.querySelectorAll(".headerlink, .katex-html, annotation").forEach((e) => e.remove());
  const nome = titolo?.textContent.replace(/\s+/g, " ").trim() || document.title;
  let scorso = false, spento = false;

  function guarda() {
    const posto = articolo.getBoundingClientRect();
    const lungo = posto.height - innerHeight;
    const quanto = lungo > 0 ? Math.min(Math.max((innerHeight * .2 - posto.top) / (lungo + innerHeight * .2), 0), 1) : 1;
    barra.style.transform = `scaleX(${quanto})`;
    if (spento || !scorso) return;
    let qui = "";
    for (const punto of punti) {
      const y = punto.getBoundingClientRect();
      if (y.height && y.top <= innerHeight * .3) qui = punto.id;
    }
    scrivi("libro-dove", { pagina, titolo: nome, ancora: qui, quando: new Date().toISOString() });
    if (posto.bottom <= innerHeight + 8) {
      const letti = leggi("libro-letti") ?? {};
      if (pagina in letti) return;
      scrivi("libro-letti", { ...letti, [pagina]: new Date().toISOString().slice(0, 10) });
      segna();
    }
  }
  let atteso = 0;
  addEventListener("scroll", () => {
    scorso = true;
    atteso ||= setTimeout(() => { atteso = 0; guarda(); }, 120);
  }, { passive: true });
  addEventListener("resize", guarda);
  addEventListener("pagehide", guarda);
  document.addEventListener("aiuti:dimentica", () => {
    spento = true;  // finché si resta su questa pagina
    for (const chiave of ["libro-dove", "libro-letti"]) try { localStorage.removeItem(chiave); } catch { /* vietato */ }
    segna();
  });
  segna();
  guarda();
});
