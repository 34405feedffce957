// Compone le formule: legge {katex, formule: [[tex, display]], macro, uscita} da stdin, scrive [{html} | {errore}].
const dati = JSON.parse(require("fs").readFileSync(0, "utf8"));
const katex = require(dati.katex);
const esito = dati.formule.map(([tex, displayMode]) => {
  try {
    return { html: katex.renderToString(tex, { displayMode, output: dati.uscita, strict: "ignore", macros: { ...dati.macro } }) };
  } catch (errore) {
    return { errore: String(errore.message) };
  }
});
process.stdout.write(JSON.stringify(esito));
