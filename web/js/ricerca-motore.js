// La ricerca, senza pagina: le parole di un testo, le loro radici, l’indice, il punteggio. Lo usano il browser e, per
// scrivere l’indice, la costruzione (ricerca.js accanto a ricerca.py): una parola si riduce in un modo solo.
(() => {
  // ---------------------------------------------------------------- parole
  const VUOTE = new Set((
    "a ad agli ai al alla alle allo anche anzi avere c capo che chi ci cio coi col come con cosa cos cui d da dagli dai dal dalla dalle "
    + "dallo degli dei del dell della delle dello deve devo di dove due e ed era erano es essere fa fanno fra gia gli ha hanno ho i il "
    + "in io l la le lei li lo loro lui ma me mi mia mio n ne negli nei nel nell nella nelle nello no noi non nostra nostro o od ogni "
    + "oppure p per perche piu poi possa possono puo pure qual quale quali quando quanta quante quanti quanto quel quell quella quelle "
    + "quelli quello quest questa queste questi questo qui s sa se sei serve si sia siano siamo sono sopra sta stessa stesse stessi "
    + "stesso su sua sue sugli sui sul sull sulla sulle sullo suo suoi t te ti tra tu tua tuo tutta tutte tutti tutto un una uno v "
    + "vi viene vengono volta volte vuol the of and to is are what how why does do"
  ).split(" "));
  // Parole di chi domanda, non di ciò che domanda: si tolgono, se ne restano altre.
  const DI_CHI_DOMANDA = new Set("differenza differenze esempio funziona funzionano significa spiega spiegare vuole".split(" "));
  const MASSIMO = 60;  // i risultati che si scrivono
  const MINUSCOLE = { "√": " radice ", "×": " x ", "·": " ", "∈": " ", "−": "-" };

  // Minuscole, senza accenti, un solo apostrofo; «28,4» e «28.4» sono lo stesso numero, «100 000» e «100.000» pure.
  function piano(testo) {
    return testo.normalize("NFKD").replace(/[\u0300-\u036f\u00ad\u200b]/g, "").toLowerCase()
      .replace(/[√×·∈−]/g, (s) => MINUSCOLE[s]).replace(/[’‘`´]/g, "'").replace(/[\u00a0\u202f\u2009]/g, " ")
      .replace(/\b\d{1,3}(?:[ .]\d{3})+(?![\d.,]*\d)/g, (n) => n.replace(/[ .]/g, ""))
      .replace(/(\d),(?=\d)/g, "$1.").replace(/([_^])\{([^{}]*)\}/g, "$1$2");
  }

  const PAROLA = /[\p{L}\p{N}]+(?:[_^.][\p{L}\p{N}]+)*/gu;
  // Le parole di un testo con il loro posto: [{parola, da, a}]. I segni composti restano interi: d_k, W^Q, 3.2.1.
  function spezza(pulito) {
    const trovate = [];
    for (const m of pulito.matchAll(PAROLA)) {
      if (!/[.]/.test(m[0]) || /^\d/.test(m[0])) trovate.push({ parola: m[0], da: m.index, a: m.index + m[0].length });
      else {  // «fine.Inizio», «torch.nn»: due parole
        for (const p of m[0].matchAll(/[^.]+/g)) trovate.push({ parola: p[0], da: m.index + p.index, a: m.index + p.index + p[0].length });
      }
    }
    return trovate;
  }

  const DESINENZE = (
    "azioni azione uzioni uzione izioni izione amente mente amento amenti imento imenti abile abili ibile ibili anza anze enza enze "
    + "atrice atrici atore atori itore itori ativo ativa ativi ative ita iste ista isti "
    + "arsi ersi irsi arlo erlo irlo arla erla irla arli erli irli eranno iranno eremo iremo erebbe irebbe assero essero issero assimo essimo arono erono irono avano evano ivano ando endo "
    + "ante anti ente enti ata ate ati ato uta ute uti uto ita ite iti ito are ere ire ava eva iva iamo ano ono era ira asse esse isse "
    + "ia ie io ii hi he a e i o"
  ).split(" ").sort((a, b) => b.length - a.length);

  const BREVI = /^([aei]re|[aiu]t[aeio])$/;  // «pesare», «pesata»

  // Parole che, tolta la desinenza, si confonderebbero, e nel libro sono due cose.
  const DIVERSE = new Map([
    ["testo", "testo"], ["testi", "testo"], ["testa", "testa"], ["teste", "testa"],
    ["capire", "capisc"], ["capito", "capisc"], ["ragione", "ragione"], ["ragioni", "ragione"],
    ["ramo", "ramo"], ["rami", "ramo"], ["paziente", "paziente"], ["pazienti", "paziente"],
  ]);

  // La radice italiana, alla buona: ciò che resta tolta la desinenza, mai meno di tre lettere. Numeri e segni restano.
  function radice(parola) {
    if (DIVERSE.has(parola)) return DIVERSE.get(parola);
    if (parola.length < 4 || /[\d_^]/.test(parola)) return parola;
    for (const d of DESINENZE) {
      const resta = parola.length - d.length;
      if (resta >= (d.length > 2 && !BREVI.test(d) ? 4 : 3) && parola.endsWith(d)) return parola.slice(0, resta).replace(/(.)\1$/, "$1");
    }
    return parola.endsWith("s") && parola.length > 4 ? radice(parola.slice(0, -1)) : parola;
  }

  // Le parole che contano: [{parola, radice, da, a}]; di un segno lungo («scaled_dot_product») anche i pezzi.
  function parole(testo, pulito = piano(testo)) {
    const uscite = [];
    for (const p of spezza(pulito)) {
      if (VUOTE.has(p.parola)) continue;
      uscite.push({ ...p, radice: radice(p.parola) });
      if (/[_^]/.test(p.parola)) {
        for (const pezzo of p.parola.split(/[_^]/)) {
          if (pezzo.length > 2 && !VUOTE.has(pezzo)) uscite.push({ ...p, parola: pezzo, radice: radice(pezzo), pezzo: true });
        }
      }
    }
    return uscite;
  }

  // ---------------------------------------------------------------- refusi
  // La distanza fra due parole, contando uno scambio di lettere vicine come un errore solo; oltre «massima» non conta.
  function distanza(a, b, massima) {
    if (Math.abs(a.length - b.length) > massima) return massima + 1;
    let prima2 = null, prima = [...Array(b.length + 1).keys()];
    for (let i = 1; i <= a.length; i++) {
      const riga = [i];
      let minimo = i;
      for (let j = 1; j <= b.length; j++) {
        const costo = a[i - 1] === b[j - 1] ? 0 : 1;
        let v = Math.min(prima[j] + 1, riga[j - 1] + 1, prima[j - 1] + costo);
        if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) v = Math.min(v, prima2[j - 2] + 1);
        riga.push(v);
        minimo = Math.min(minimo, v);
      }
      if (minimo > massima) return massima + 1;
      [prima2, prima] = [prima, riga];
    }
    return prima[b.length];
  }

  // ---------------------------------------------------------------- indice
  const PESI = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

  // indice = {pagine: [[nome, titolo, parte]], voci: [[pagina, àncora, titolo, genere]], forme, liste, sinonimi}
  function apri(indice) {
    const forme = indice.forme.split(" "), liste = indice.liste.split(" ");
    const dove = new Map();  // radice → posto nelle liste
    forme.forEach((forma, i) => dove.set(radice(forma), i));
    const lette = new Map();
    const voci = indice.voci.map(([pagina, ancora, titolo, genere]) => ({ pagina, ancora, titolo, genere }));
    const sinonimi = indice.sinonimi.map(([da, a]) => ({ da: parole(da), a: parole(a) }));
    const titoli = new Map();
    const deltitolo = (v) => titoli.get(v) ?? titoli.set(v, parole(voci[v].titolo).filter((p) => !p.pezzo)).get(v);
    const registro = indice.pagine.findIndex(([nome]) => nome === "chapters/affermazioni");  // ripete i titoli delle altre

    function lista(i) {  // [voce, peso, voce, peso, …]
      if (!lette.has(i)) {
        const numeri = [];
        let voce = 0;
        for (const m of liste[i].matchAll(/([0-9a-z]*)([A-Z])/g)) {
          voce += parseInt(m[1] || "0", 36);
          numeri.push(voce, PESI.indexOf(m[2]) + 1);
        }
        lette.set(i, numeri);
      }
      return lette.get(i);
    }
    const quante = (i) => lista(i).length / 2;
    const rarita = (n) => Math.log(1 + voci.length / (n + 1));

    // La parola più vicina fra quelle del libro, se questa non c’è.
    function corretta(parola) {
      if (parola.length < 4 || /[\d_^]/.test(parola)) return null;
      const massima = parola.length < 8 ? 1 : 2;
      const suffisso = radice(parola);
      let migliore = null;
      forme.forEach((forma, i) => {
        if (forma.length < 3 || /[\d_^]/.test(forma)) return;
        let d = distanza(parola, forma, massima);
        if (d > massima && suffisso.length > 3 && forma[0] === parola[0]) d = distanza(suffisso, radice(forma), massima - 1 || 1) + .5;
        if (d > massima + .5) return;
        const voto = d - Math.log(1 + quante(i)) / 10 + (forma[0] === parola[0] ? 0 : .5);
        if (!migliore || voto < migliore.voto) migliore = { forma, voto };
      });
      return migliore?.forma ?? null;
    }

    // I posti nelle liste che valgono per una parola: il suo, e se la si sta scrivendo quelli che cominciano così.
    function posti(p, aperta) {
      const suo = dove.get(p.radice);
      const trovati = suo === undefined ? [] : [[suo, 1]];
      if (aperta && p.parola.length > 2) {
        forme.map((forma, i) => [i, forma]).filter(([i, forma]) => i !== suo && forma.startsWith(p.parola))
          .sort((a, b) => quante(b[0]) - quante(a[0])).slice(0, 6).forEach(([i]) => trovati.push([i, .6]));
      }
      return trovati;
    }

    // Voti delle voci per un elenco di parole: Map voce → voto.
    function vota(chieste, aperta) {
      const voti = new Map(), presi = new Map();
      let totale = 0;
      chieste.forEach((p, k) => {
        const suoi = posti(p, aperta && k === chieste.length - 1);
        const peso = suoi.length ? rarita(quante(suoi[0][0])) * (p.pezzo ? .4 : 1) : 4;
        totale += peso;
        const migliori = new Map();
        for (const [i, fiducia] of suoi) {
          const numeri = lista(i);
          for (let j = 0; j < numeri.length; j += 2) {
            const v = fiducia * numeri[j + 1] / 9;
            if (v > (migliori.get(numeri[j]) ?? 0)) migliori.set(numeri[j], v);
          }
        }
        for (const [voce, v] of migliori) {
          voti.set(voce, (voti.get(voce) ?? 0) + peso * v);
          presi.set(voce, (presi.get(voce) ?? 0) + peso);
        }
      });
      const mie = new Set(chieste.filter((p) => !p.pezzo).map((p) => p.radice)), esatte = new Set(chieste.map((p) => p.parola));
      for (const [voce, v] of voti) {
        const titolo = deltitolo(voce);
        const nel = titolo.filter((p) => mie.has(p.radice));
        const lungo = titolo.filter((p, i) => i || mie.has(p.radice) || !/^\d/.test(p.parola)).length;  // «3.2 Attenzione»: una parola
        const coperto = lungo ? new Set(nel.map((p) => p.radice)).size / Math.max(lungo, mie.size) : 0;
        const preciso = nel.filter((p) => esatte.has(p.parola)).length / Math.max(nel.length, 1);
        const copre = presi.get(voce) / totale;
        // la pagina prima delle sue parti; una scheda che nomina la parola, e non la definisce, dopo
        const nomina = voci[voce].genere && !coperto && v < .6 * totale;
        const posto = voci[voce].pagina === registro || nomina ? .6 : voci[voce].ancora ? 1 : 1.1;
        voti.set(voce, posto * (v * copre ** 1.6 + totale * 1.4 * coperto ** 1.5 * (.7 + .3 * preciso)));
      }
      return voti;
    }

    const contiene = (lunga, corta) => {  // dove comincia «corta» in «lunga», per radici
      for (let i = 0; i + corta.length <= lunga.length; i++) {
        if (corta.every((p, k) => lunga[i + k].radice === p.radice)) return i;
      }
      return -1;
    };

    // La domanda, e le stesse parole dette come le dice il libro: «multi-head» → «multi-testa».
    function varianti(chieste) {
      const uscite = [];
      for (const { da, a } of sinonimi) {
        const i = da.length ? contiene(chieste, da) : -1;
        if (i >= 0) uscite.push({ parole: [...chieste.slice(0, i), ...a, ...chieste.slice(i + da.length)], fiducia: .95, lunghe: da.length });
        else if (chieste.length < da.length && contiene(da, chieste) >= 0 && (chieste.length > 1 || chieste[0].parola.length > 3)) {
          uscite.push({ parole: a, fiducia: .6 * chieste.length / da.length, lunghe: chieste.length });
        }
      }
      return uscite.sort((a, b) => b.lunghe * b.fiducia - a.lunghe * a.fiducia).slice(0, 4);
    }

    // {risultati: [{voce, voto, …}], parole, frasi, forse}: le voci in ordine, le radici da evidenziare, la correzione.
    function cerca(domanda, { parte = "", aperta = false } = {}) {
      const frasi = [...domanda.matchAll(/["“”«»„]([^"“”«»„]+)["“”«»„]/g)].map((m) => m[1].trim()).filter(Boolean);
      let chieste = parole(domanda);
      if (!chieste.length) chieste = spezza(piano(domanda)).map((p) => ({ ...p, radice: radice(p.parola) })).filter((p) => dove.has(p.radice));
      if (!chieste.length) return { risultati: [], parole: [], frasi, forse: null };
      const piene = chieste.filter((p) => !DI_CHI_DOMANDA.has(p.parola));
      if (piene.length && !frasi.length) chieste = piene;
      const sola = aperta && !frasi.length && !/\s$/.test(domanda);
      let forse = null;
      if (!frasi.length) {
        const nuove = chieste.map((p, k) => {
          if (posti(p, sola && k === chieste.length - 1).length) return p;
          const forma = corretta(p.parola);
          return forma ? { ...p, parola: forma, radice: radice(forma), da: p.da, a: p.a, nuova: true } : p;
        });
        if (nuove.some((p) => p.nuova)) {
          const tutte = spezza(piano(domanda)).map((p) => nuove.find((n) => n.nuova && n.da === p.da)?.parola ?? p.parola);
          forse = tutte.join(" ");
          chieste = nuove;
        }
      }
      const voti = vota(chieste, sola);
      const evidenti = new Set(chieste.map((p) => p.radice));
      if (!frasi.length) {
        for (const variante of varianti(chieste.filter((p) => !p.pezzo))) {
          for (const [voce, v] of vota(variante.parole, false)) {
            if (v * variante.fiducia > (voti.get(voce) ?? 0)) voti.set(voce, v * variante.fiducia);
          }
          if (variante.fiducia > .5) variante.parole.forEach((p) => evidenti.add(p.radice));
        }
      }
      let trovate = [...voti].filter(([v]) => !parte || indice.pagine[voci[v].pagina][2] === parte);
      if (frasi.length) {  // ogni parola della frase, anche le vuote, la controlla poi chi ha i testi
        const delle = frasi.flatMap((f) => parole(f)).filter((p) => !p.pezzo);
        const insiemi = delle.map((p) => { const i = dove.get(p.radice); return new Set(i === undefined ? [] : lista(i).filter((_, k) => k % 2 === 0)); });
        trovate = trovate.filter(([v]) => insiemi.every((s) => s.has(v)));
      }
      trovate.sort((a, b) => b[1] - a[1] || a[0] - b[0]);
      return { risultati: ordina(trovate, parte), parole: evidenti, frasi, forse };
    }

    // Una voce di glossario fra i primi due risultati, mai due; poi si alternano. Sotto un decimo del primo non si va.
    function ordina(trovate, parte) {
      const soglia = (trovate[0]?.[1] ?? 0) * .12;
      const buone = trovate.filter(([, v]) => v >= soglia).map(([v, voto]) => ({ ...voci[v], numero: v, voto }));
      if (parte) return buone.slice(0, MASSIMO);
      const uscite = [], rimandate = [];
      let schede = 0;
      for (const voce of buone) {
        if (voce.genere && schede >= 1 + Math.floor(uscite.length / 4)) rimandate.push(voce);
        else { uscite.push(voce); schede += voce.genere ? 1 : 0; }
      }
      return [...uscite, ...rimandate].slice(0, MASSIMO);
    }

    return { cerca, voci, pagine: indice.pagine, forme };
  }

  // ---------------------------------------------------------------- estratti
  // Il posto di una frase in un testo, con ogni spazio e segno uguale; [] se non c’è.
  function frasi(testo, chieste) {
    const pulite = spezza(piano(testo)), trovate = [];
    for (const frase of chieste) {
      const cercate = spezza(piano(frase)).map((p) => p.parola);
      let qui = null;
      for (let i = 0; i + cercate.length <= pulite.length && !qui; i++) {
        if (cercate.every((p, k) => pulite[i + k].parola === p)) qui = [pulite[i].da, pulite[i + cercate.length - 1].a];
      }
      if (!qui) return [];
      trovate.push(qui);
    }
    return trovate;
  }

  // Il pezzo di testo che dice di più: {ancora, testo, segni: [[da, a], …]}. «piano» non conserva i posti: si rifanno.
  function estratto(brani, radici, chieste = [], lungo = 220) {
    let migliore = null;
    brani.forEach(([ancora, testo], ordine) => {
      const segni = [], viste = new Set();
      for (const m of testo.matchAll(/[\p{L}\p{N}\u0300-\u036f]+(?:[_^.,][\p{L}\p{N}]+)*/gu)) {
        const dentro = parole(m[0]).filter((p) => radici.has(p.radice));
        if (!dentro.length) continue;
        dentro.forEach((p) => viste.add(p.radice));
        segni.push([m.index, m.index + m[0].length]);
      }
      const esatta = chieste.length && frasi(testo, chieste).length ? 10 : 0;
      const voto = esatta + viste.size + Math.min(segni.length, 4) / 10 - ordine / 1000;
      if (!migliore || voto > migliore.voto) migliore = { ancora, testo, segni, voto };
    });
    if (!migliore) return null;
    const { ancora, testo, segni } = migliore;
    let da = 0, a = testo.length;
    if (testo.length > lungo) {  // la finestra con più parole evidenziate
      let piu = -1;
      for (const [inizio] of segni.length ? segni : [[0]]) {
        const prima = Math.max(0, inizio - 60);
        const quante = segni.filter(([x, y]) => x >= prima && y <= prima + lungo).length;
        if (quante > piu) { piu = quante; da = prima; }
      }
      if (da > 0) da = testo.indexOf(" ", da) + 1 || da;
      a = Math.min(testo.length, da + lungo);
      if (a < testo.length) a = testo.lastIndexOf(" ", a) > da ? testo.lastIndexOf(" ", a) : a;
    }
    return {
      ancora,
      testo: (da > 0 ? "… " : "") + testo.slice(da, a) + (a < testo.length ? " …" : ""),
      segni: segni.filter(([x, y]) => x >= da && y <= a).map(([x, y]) => [x - da + (da > 0 ? 2 : 0), y - da + (da > 0 ? 2 : 0)]),
    };
  }

  const motore = { MASSIMO, piano, parole, radice, distanza, apri, estratto, frasi, PESI };
  if (typeof module === "object") module.exports = motore;
  else window.RicercaMotore = motore;
})();
