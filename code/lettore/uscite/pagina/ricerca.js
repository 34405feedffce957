// Scrive l’indice della ricerca: legge {motore, pagine, voci, sinonimi} da stdin, scrive l’indice in JSON.
// Una voce: {pagina, ancora, titolo, genere, altri, testo, codice}; «altri» sono gli altri nomi della stessa cosa.
const dati = JSON.parse(require("fs").readFileSync(0, "utf8"));
const { parole, PESI } = require(dati.motore);

const liste = new Map();  // radice → {forme: Map forma → volte, voci: [[voce, peso]]}
const lunghezze = dati.voci.map((v) => parole(v.testo).length);
const media = lunghezze.reduce((a, b) => a + b, 0) / lunghezze.length;
const conta = (testo, volte = 1, dove = new Map()) => {
  for (const p of parole(testo)) {
    const c = dove.get(p.radice) ?? { volte: 0, forme: new Map() };
    c.volte += volte * (p.pezzo ? .5 : 1);
    c.forme.set(p.parola, (c.forme.get(p.parola) ?? 0) + volte);
    dove.set(p.radice, c);
  }
  return dove;
};

dati.voci.forEach((voce, n) => {
  const campi = { titolo: conta(voce.titolo), altri: conta(voce.altri), testo: conta(voce.testo), codice: conta(voce.codice), pagina: conta(dati.pagine[voce.pagina][1]) };
  const nel = Math.max(1, campi.titolo.size);
  const tutte = new Set(Object.values(campi).flatMap((c) => [...c.keys()]));
  for (const r of tutte) {
    const di = (campo) => campi[campo].get(r)?.volte ?? 0;
    const nelTesto = di("testo") + .15 * Math.min(di("codice"), 4);
    let peso = nelTesto / (nelTesto + .6 + .9 * lunghezze[n] / media);
    if (di("titolo")) peso += 1.3 / nel ** .35;
    if (di("altri")) peso += di("altri") > 1 ? .9 : .6;
    if (di("pagina")) peso += voce.ancora ? .2 : 0;
    if (peso < .06) continue;  // una volta sola, in una sezione lunga
    const lista = liste.get(r) ?? liste.set(r, { forme: new Map(), voci: [] }).get(r);
    lista.voci.push([n, Math.max(1, Math.min(PESI.length, Math.round(peso * 10)))]);
    for (const c of Object.values(campi)) for (const [f, v] of c.get(r)?.forme ?? []) lista.forme.set(f, (lista.forme.get(f) ?? 0) + v);
  }
});

const ordinate = [...liste].map(([r, { forme, voci }]) => {
  const forma = [...forme].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))[0][0];
  let prima = 0;
  const lista = voci.map(([v, p]) => { const d = v - prima; prima = v; return (d ? d.toString(36) : "") + PESI[p - 1]; }).join("");
  return [forma, lista];
}).sort((a, b) => (a[0] < b[0] ? -1 : 1));

process.stdout.write(JSON.stringify({
  pagine: dati.pagine,
  voci: dati.voci.map((v) => (v.genere ? [v.pagina, v.ancora, v.titolo, v.genere] : [v.pagina, v.ancora, v.titolo])),
  forme: ordinate.map(([f]) => f).join(" "),
  liste: ordinate.map(([, l]) => l).join(" "),
  sinonimi: dati.sinonimi,
}));
