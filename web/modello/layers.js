// I sottostrati e gli strati dell’encoder e del decoder, §3.1 e §3.3.
import { multiHeadAttention, remember } from "./attention.js";
import { product } from "./products.js";

// La rete feed-forward, equazione (2), posizione per posizione:
// max(0, x W_1 + b_1) W_2 + b_2.
export function feedForward({ W_1, b_1, W_2, b_2 }, x, run, at) {
  if (run.off(at)) return x.map((row) => new Float32Array(row.length));
  const relu = (value, i) => Math.max(0, value + b_1[i]);
  const hidden = product(W_1, x).map((row) => row.map(relu));  // (n, d_ff)
  const output = product(W_2, hidden).map((row) => plus(row, b_2));
  run.see(`${at}.hidden`, hidden);
  run.see(at, output);
  return output;
}

const plus = (a, b) => a.map((value, i) => value + b[i]);

// Connessione residuale e normalizzazione attorno a un sottostrato:
// LayerNorm(x + y), con y l’uscita del sottostrato.
export function addAndNorm({ norm }, x, y, run, at) {
  const normal = (row) => layerNorm(row, norm);
  let output = y;
  if (!run.off(at)) output = x.map((row, n) => plus(row, y[n]));
  if (!run.off(`${at}.norm`)) output = output.map(normal);
  run.see(at, output);
  return output;
}

// Media 0 e varianza 1 lungo la riga, poi un guadagno e un bias per ciascuna
// componente.
export function layerNorm(row, { weight, bias }) {
  const n = row.length;
  let mean = 0, variance = 0;
  for (let i = 0; i < n; i++) mean += row[i] / n;
  for (let i = 0; i < n; i++) variance += (row[i] - mean) ** 2 / n;
  const gain = 1 / Math.sqrt(variance + 1e-5);
  return row.map((value, i) => (value - mean) * gain * weight[i] + bias[i]);
}

// Uno strato dell’encoder. x: (n, d_model) → (n, d_model); memory: vuota,
// raccoglie chiavi e valori delle n posizioni.
export function* encoderLayer(layer, x, memory, run, at) {
  const { self_attention, feed_forward, residuals } = layer;
  yield* inBlocks(x, (x) => remember(self_attention, x, all(x, memory)));
  return yield* inBlocks(x, (x) => {
    const memories = all(x, memory), everywhere = all(x, Infinity);
    let y = multiHeadAttention(
      self_attention, x, memories, everywhere, run, `${at}.self_attention`);
    x = addAndNorm(residuals[0], x, y, run, `${at}.residuals.0`);
    y = feedForward(feed_forward, x, run, `${at}.feed_forward`);
    return addAndNorm(residuals[1], x, y, run, `${at}.residuals.1`);
  });
}

// Lo stesso per ogni riga di x.
export const all = (x, value) => x.map(() => value);

// Uno strato del decoder. x: (m, d_model), di una o più sequenze: la riga i
// sta nella memoria own[i], ne vede le prime visible[i] posizioni (la maschera
// causale è qui), e guarda la frase di partenza in source.
export function* decoderLayer(layer, x, own, visible, source, run, at) {
  const { self_attention, cross_attention, feed_forward, residuals } = layer;
  yield* inBlocks(x, (x, from, to) =>
    remember(self_attention, x, own.slice(from, to)));
  return yield* inBlocks(x, (x, from, to) => {
    const mine = own.slice(from, to), seen = visible.slice(from, to);
    let y = multiHeadAttention(
      self_attention, x, mine, seen, run, `${at}.self_attention`);
    x = addAndNorm(residuals[0], x, y, run, `${at}.residuals.0`);
    const sources = all(x, source), everywhere = all(x, Infinity);
    y = multiHeadAttention(
      cross_attention, x, sources, everywhere, run, `${at}.cross_attention`);
    x = addAndNorm(residuals[1], x, y, run, `${at}.residuals.1`);
    y = feedForward(feed_forward, x, run, `${at}.feed_forward`);
    return addAndNorm(residuals[2], x, y, run, `${at}.residuals.2`);
  });
}

const BLOCK = 8;

// Le righe di x a gruppi, con una pausa (yield) dopo ciascuno, dove chi esegue
// può fare altro: senza un worker la pagina non si ferma. Rende le righe che
// work rende, tutte in fila.
export function* inBlocks(x, work) {
  const rows = [];
  for (let from = 0; from < x.length; from += BLOCK) {
    const done = work(x.slice(from, from + BLOCK), from, from + BLOCK);
    if (done) rows.push(...done);
    yield;
  }
  return rows;
}
