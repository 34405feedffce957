// La tavola delle forme: ciò che le celle lette fin qui hanno costruito, e che forma ha. Segue la lettura.
(() => {
  const { fai, spunta, nuovo } = Esperimenti;
  const FORMA = /\(\)|\((?:[\w/]+, ?)+[\w/]*\)/g, RIGA = /^\s*([A-Za-z_]\w*(?:, *[A-Za-z_]\w*)*) *=(?!=).*?#(.*)$/;
  const conti = {
    // Le forme scritte a fine riga: coppie [nome, forma]; di «(5, 8) @ (8, 4) → (5, 4)» vale ciò che viene dopo la freccia.
    forme(codice) {
      const trovate = [];
      for (const riga of codice.split("\n")) {
        const [, nomi, commento] = RIGA.exec(riga) ?? [];
        const forme = commento?.split("→").at(-1).match(FORMA) ?? [];
        if (forme.length) nomi.split(/, */).forEach((nome, i) => forme[i] && nome !== "_" && trovate.push([nome, forme[i]]));
      }
      return trovate;
    },
    // Dopo le celle date: di ogni nome l’ultima forma, il nome più recente per primo.
    tavola(celle) {
      const tavola = new Map();
      for (const coppie of celle) {
        for (const [nome, forma] of coppie) {
          tavola.delete(nome);
          tavola.set(nome, forma);
        }
      }
      return [...tavola].reverse();
    },
  };

  nuovo("forme", conti, (vivo, dice) => {
    const celle = [...document.querySelectorAll("article .cell_input pre")]
      .map((e) => [e, conti.forme(e.textContent)]).filter(([, forme]) => forme.length);
    const fila = () => fai("ol", { class: "esp-forme", "aria-label": "le forme delle celle lette fin qui" });
    const qui = fila(), accanto = fila();
    document.querySelector(".esp-tasca")?.remove();
    const tasca = fai("aside", { class: "esp-tasca", "aria-label": "Tavola delle forme", hidden: true }, accanto);
    document.body.append(tasca);
    const ricorda = (valore) => { try { return valore === undefined ? localStorage.getItem("libro-tasca") === "si" : localStorage.setItem("libro-tasca", valore ? "si" : "no"); } catch { return false; } };
    const tieni = spunta("Tieni la tavola accanto mentre leggo", ricorda(), (si) => {
      ricorda(si);
      mostra();
    });
    vivo.append(fai("div", { class: "esp-comandi" }, tieni.riga), qui);

    let lette = -1;
    const voci = (tavola, nuove) => tavola.map(([nome, forma]) =>
      fai("li", { class: nuove.some(([altro]) => altro === nome) ? "esp-nuovo" : null }, fai("code", {}, nome), ` ${forma}`));
    function mostra() {
      tasca.hidden = !tieni.valore;
      dice(tieni.valore ? "La tavola sta in un angolo della pagina, e si riempie scendendo; il nome più recente è il primo."
        : `In questa pagina ${celle.length === 1 ? "una cella scrive" : `${celle.length} celle scrivono`} la forma di ciò che ne esce: `
          + "la tavola si riempie scendendo.");
      const quante = celle.filter(([e]) => e.getBoundingClientRect().top < innerHeight * 0.6).length;
      if (quante === lette) return;
      lette = quante;
      const tavola = conti.tavola(celle.slice(0, quante).map(([, forme]) => forme)), nuove = celle[quante - 1]?.[1] ?? [];
      qui.replaceChildren(...voci(tavola, nuove));
      accanto.replaceChildren(...voci(tavola.slice(0, 8), nuove));
    }
    let atteso = false;
    addEventListener("scroll", () => {
      if (atteso) return;
      atteso = true;
      requestAnimationFrame(() => { atteso = false; if (tasca.isConnected) mostra(); });
    }, { passive: true });
    mostra();
  });
})();
