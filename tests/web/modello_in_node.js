// Il traduttore della pagina fuori dalla pagina: legge richieste in JSON, una per riga, e a ciascuna risponde con una riga.
//
//   node modello_in_node.js CARTELLA < richieste
//
// Una richiesta è { kind, text, options }, con kind fra translate, step e intermediates, oppure { eval: espressione }, in
// cui A è ciò che il programma pubblica; la risposta è { result, events } o { error }.
const { readFileSync } = require("node:fs");
const { join } = require("node:path");
const { createInterface } = require("node:readline");
const { runInThisContext } = require("node:vm");

const carica = (nome) => runInThisContext(readFileSync(join(process.argv[2], nome), "utf8"), { filename: nome });
const scrivibile = (_, v) => (ArrayBuffer.isView(v) ? Array.from(v, (x) => (Number.isFinite(x) ? x : `${x}`)) : v);

carica("modello.js");
const A = globalThis.attenzione;
const traduttore = A.createTranslator({ base: "", source: null, getScript: async (url) => carica(url.split("?")[0]) });

async function rispondi(richiesta) {
  try {
    if (richiesta.eval) return { result: await new Function("A", "x", `return ${richiesta.eval}`)(A, richiesta.x) };
    await traduttore.load();
    const events = [];
    const result = await traduttore[richiesta.kind](richiesta.text, richiesta.options, (event) => events.push(event));
    return { result, events };
  } catch (errore) {
    return { error: { name: errore.name, message: errore.message } };
  }
}

(async () => {
  for await (const riga of createInterface({ input: process.stdin })) {
    process.stdout.write(`${JSON.stringify(await rispondi(JSON.parse(riga)), scrivibile)}\n`);
  }
})();
