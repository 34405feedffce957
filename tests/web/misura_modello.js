// Nella pagina: quanti token al secondo, e quanto costano i soli prodotti, nel ciclo piatto e in quello svelto.
//
// Rende, mediane di frase in frase: perSecond, i token generati al secondo, lettura della frase compresa; flat e bare, il
// tempo diviso per quello degli stessi prodotti in un ciclo piatto e con product; gmacs, i miliardi di prodotti al
// secondo del ciclo piatto.
async (frasi, strategy) => {
  const A = attenzione, arrivati = {}, normale = A.arrived;
  const prendi = (nome) => new Promise((si, no) => {
    const script = Object.assign(document.createElement("script"), { src: nome, onload: si, onerror: no });
    document.head.append(script);
  });
  A.arrived = (nome, valore) => { arrivati[nome] = valore; };
  await prendi("indice.js");
  const { indice } = arrivati, files = new Map();
  for (const voce of indice.parts) {
    await prendi(voce.file);
    files.set(voce.name, A.readBytes(voce, arrivati[voce.name]));
  }
  A.arrived = normale;
  const tokenizer = A.readTokenizer(files.get("tokenizer")), model = A.readModel(indice, files), d = model.config.d_model;

  let righe = 0;
  const run = { ...A.howToRun(model.config), see: (nome, valori) => { if (nome === "logits") righe += valori.length; } };
  const finisci = (generatore) => { for (;;) { const { done, value } = generatore.next(); if (done) return value; } };
  const traduci = (source) => {
    const frase = finisci(A.read(model, source, run));
    const trovate = finisci(strategy === "beam"
      ? A.beamSearch(model, frase, {}, [], run) : A.generate(model, frase, A.mostProbable, [], run));
    return trovate[0].logProbs.length;
  };

  // Gli stessi prodotti: [matrice, da, a, quante volte].
  const strato = ({ self_attention: s, feed_forward: f }, volte) =>
    [[s.W_qkv, 0, 3 * d, volte], [s.W_o, 0, d, volte], [f.W_1, 0, 4 * d, volte], [f.W_2, 0, d, volte]];
  const prodotti = (n, m) => [
    ...model.encoder.flatMap((layer) => strato(layer, n)),
    ...model.decoder.flatMap((layer) => [...strato(layer, m), [layer.cross_attention.W_qkv, 0, d, m],
      [layer.cross_attention.W_qkv, d, 3 * d, n], [layer.cross_attention.W_o, 0, d, m]]),
    [model.embedding.E, 0, model.config.n_vocab, m],
  ];
  const vettori = new Map([d, 4 * d].map((k) => [k, Float32Array.from({ length: k }, Math.random)]));
  const piatto = (lista) => {
    for (const [W, da, a, volte] of lista) {
      for (let i = 0; i < volte; i++) A.plainProduct(W, vettori.get(W.columns), da, a);
    }
  };
  const svelto = (lista, insieme) => {
    for (const [W, da, a, volte] of lista) {
      const X = Array(insieme).fill(vettori.get(W.columns));
      for (let i = 0; i < volte; i += insieme) A.product(W, X.slice(0, volte - i), da, a);
    }
  };
  const tempo = (lavoro) => {
    const inizio = performance.now();
    const valore = lavoro();
    return [performance.now() - inizio, valore];
  };
  const mediana = (numeri) => numeri.sort((a, b) => a - b)[numeri.length >> 1];

  traduci(tokenizer.encode(frasi[0]));
  piatto(prodotti(2, 4));
  const misure = { perSecond: [], flat: [], bare: [], gmacs: [] };
  for (const frase of frasi) {
    const source = tokenizer.encode(frase);
    righe = 0;
    const [t, quanti] = tempo(() => traduci(source)), lista = prodotti(source.length, righe);
    const [p] = tempo(() => piatto(lista)), [s] = tempo(() => svelto(lista, strategy === "beam" ? 4 : 1));
    const macs = lista.reduce((somma, [W, da, a, volte]) => somma + W.columns * (a - da) * volte, 0);
    misure.perSecond.push((1000 * quanti) / t);
    misure.flat.push(t / p);
    misure.bare.push(t / s);
    misure.gmacs.push(macs / p / 1e6);
    await new Promise((poi) => setTimeout(poi));
  }
  return Object.fromEntries(Object.entries(misure).map(([nome, numeri]) => [nome, mediana(numeri)]));
}
