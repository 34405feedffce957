// Compone le formule: legge {katex, formule: [[tex, display]], macro, uscita, segni} da stdin, scrive [{html} | {errore}].
// Con «segni», [[nome, tex]], ogni simbolo della notazione porta nell’HTML il suo nome: data-s="d-k".
const dati = JSON.parse(require("fs").readFileSync(0, "utf8"));
const katex = require(dati.katex);
const opzioni = (displayMode) => ({
  displayMode, output: dati.uscita, strict: "ignore", trust: (c) => c.command === "\\htmlData", macros: { ...dati.macro },
});

// ---------------------------------------------------------------- il nome di un pezzo di formula

const INDICE = /^\{*(?:[ijtlnmh\d]|pos|[+-])+\}*$/;
const solo = (nodo) => nodo?.type === "ordgroup" && nodo.body.length === 1 ? solo(nodo.body[0]) : nodo;

// La scrittura di un nodo, senza graffe superflue: due nodi uguali si scrivono uguale.
function scritto(grezzo) {
  const nodo = solo(grezzo);
  if (!nodo) return "";
  const righe = (x) => (Array.isArray(x) ? x.map(scritto).join("") : scritto(x));
  switch (nodo.type) {
    case "mathord": case "textord": case "atom": return nodo.text;
    case "ordgroup": return `{${righe(nodo.body)}}`;
    case "text": return `text{${righe(nodo.body)}}`;
    case "font": return `${nodo.font}{${righe(nodo.body)}}`;
    case "mathchoice": case "spacing": return "";
    case "supsub": return `${scritto(nodo.base)}_{${scritto(nodo.sub)}}^{${scritto(nodo.sup)}}`;
    case "sqrt": return `sqrt{${scritto(nodo.body)}}`;
    default: return `?${nodo.type}`;
  }
}

// Dove comincia e dove finisce un nodo nel sorgente; niente se viene da una macro.
function tratto(nodo, tex) {
  if (!nodo) return null;
  if (nodo.loc) return nodo.loc.lexer.input === tex ? [nodo.loc.start, nodo.loc.end] : null;
  if (nodo.type === "supsub") {
    const pezzi = [nodo.base, nodo.sub, nodo.sup].filter(Boolean).map((x) => tratto(x, tex));
    return pezzi.includes(null) ? null : [Math.min(...pezzi.map((p) => p[0])), Math.max(...pezzi.map((p) => p[1]))];
  }
  if (nodo.type !== "font" && nodo.type !== "sqrt" && nodo.type !== "text") return null;
  const dentro = [].concat(nodo.body).map((x) => tratto(x, tex));
  if (!dentro.length || dentro.includes(null)) return null;
  const prima = /\\[a-zA-Z]+\s*\{*\s*$/.exec(tex.slice(0, dentro[0][0]));
  if (!prima) return null;
  const aperte = prima[0].split("{").length - 1;
  let fine = dentro.at(-1)[1];
  for (let chiuse = 0; chiuse < aperte; fine++) {
    if (tex[fine] === "}") chiuse++;
    else if (tex[fine] !== " ") return null;
  }
  return [prima.index, fine];
}

const leggi = (tex) => katex.__parse(tex, { strict: "ignore", macros: {} });
const segni = (dati.segni ?? []).map(([nome, tex]) => ({ nome, nodi: leggi(tex) }))
  .map(({ nome, nodi }) => ({ nome, nodi, scritti: nodi.map(scritto) }))
  .sort((a, b) => b.nodi.length - a.nodi.length);

// Un nodo è un segno se si scrive come lui, o se ne è un elemento (q_i), una potenza (n^2), lo stesso con un altro indice.
function e(nodo, segno, scrittura) {
  if (scritto(nodo) === scrittura) return true;
  const mio = solo(nodo);
  if (mio.type !== "supsub") return false;
  const [base, sub, sup] = [scritto(mio.base), scritto(mio.sub), scritto(mio.sup)];
  if (solo(segno).type === "supsub") {
    const suo = solo(segno);
    const indice = /^[it]$/.test(scritto(suo.sub));
    return indice && base === scritto(suo.base) && sup === scritto(suo.sup) && (!sub ? !!sup : INDICE.test(sub));
  }
  return base === scrittura && (!sub || INDICE.test(sub)) && (!sup || /^\{?-?\d\}?$/.test(sup));
}

function cerca(nodi, tex, trovati) {
  for (let i = 0; i < nodi.length; i++) {
    const segno = segni.find(({ scritti, nodi: suoi }) => i + scritti.length <= nodi.length
      && scritti.every((s, k) => k < scritti.length - 1 ? scritto(nodi[i + k]) === s : e(nodi[i + k], suoi[k], s)));
    if (segno) {
      const tratti = segno.nodi.map((_, k) => tratto(nodi[i + k], tex));
      if (!tratti.includes(null)) trovati.push([segno.nome, tratti[0][0], tratti.at(-1)[1]]);
      if (nodi[i].type === "sqrt") figli(nodi[i], tex, trovati);
      i += segno.nodi.length - 1;
    } else figli(nodi[i], tex, trovati);
  }
}

// I pezzi di un nodo che sono formule: non il testo, non la base di un elemento (ci starebbe stretta).
function figli(nodo, tex, trovati) {
  const dentro = (x) => x && cerca(x.type === "ordgroup" ? x.body : [].concat(x), tex, trovati);
  switch (nodo.type) {
    case "ordgroup": case "color": case "sizing": case "styling": case "mclass": case "leftright":
      dentro(nodo.body); break;
    case "supsub": {
      const base = solo(nodo.base);
      if (base && !["mathord", "textord", "op", "font"].includes(base.type)) cerca([base], tex, trovati);
      dentro(nodo.sub); dentro(nodo.sup); break;
    }
    case "genfrac": dentro(nodo.numer); dentro(nodo.denom); break;
    case "sqrt": dentro(nodo.body); break;
    case "array": nodo.body.flat().forEach(dentro); break;
    case "underline": case "overline": case "accent": case "horizBrace": dentro(nodo.base ?? nodo.body); break;
  }
}

// La formula con i suoi segni: «\sqrt{d_k}» → «\htmlData{s=radice-d-k}{\sqrt{\htmlData{s=d-k}{d_k}}}».
function segnata(tex) {
  const trovati = [];
  cerca(leggi(tex), tex, trovati);
  const tagli = trovati.flatMap(([nome, da, a]) => {
    const sciolto = /[_^]\s*$/.test(tex.slice(0, da));  // un indice di un segno solo vuole le sue graffe
    return [[da, 1, a, `${sciolto ? "{" : ""}\\htmlData{s=${nome}}{`], [a, 0, da, sciolto ? "}}" : "}"]];
  });
  // da destra a sinistra; nello stesso punto prima si chiude ciò che comincia dopo, e prima si apre ciò che finisce dopo
  tagli.sort((x, y) => y[0] - x[0] || y[1] - x[1] || (x[1] ? x[2] - y[2] : x[2] - y[2]));
  return tagli.reduce((testo, [dove, , , pezzo]) => testo.slice(0, dove) + pezzo + testo.slice(dove), tex);
}

const testo = (s) => s.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

function conSegni(tex, sciolta, displayMode, html) {
  if (!segni.length) return html;
  try {
    const nuova = segnata(sciolta);
    if (nuova === sciolta) return html;
    return katex.renderToString(nuova, opzioni(displayMode))
      .replace(/(<annotation[^>]*>)[^]*?(<\/annotation>)/, (_, apre, chiude) => apre + testo(tex) + chiude);
  } catch {
    return html;  // resta senza segni
  }
}

const esito = dati.formule.map(([tex, displayMode, sciolta]) => {
  try {
    const html = katex.renderToString(tex, opzioni(displayMode));
    return { html: conSegni(tex, sciolta, displayMode, html) };
  } catch (errore) {
    return { errore: String(errore.message) };
  }
});
process.stdout.write(JSON.stringify(esito));
