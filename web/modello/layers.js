// I sottostrati e gli strati dell’encoder e del decoder, §3.1 e §3.3.
import { multiHeadAttention, remember } from "./attention.js";
import { product } from "./products.js";

// La rete feed-forward, equazione (2): max(0, x W_1 + b_1) W_2 + b_2, posizione per posizione.
export function feedForward({ W_1, b_1, W_2, b_2 }, x, run, at) {
  if (run.off(at)) return x.map((row) => new Float32Array(row.length));
  const hidden = product(W_1, x).map((row) => row.map((value, i) => Math.max(0, value + b_1[i])));  // (n, d_ff)
  const output = product(W_2, hidden).map((row) => row.map((value, i) => value + b_2[i]));  // (n, d_model)
  run.see(`${at}.hidden`, hidden);
  run.see(at, output);
  return output;
}

// Connessione residuale e normalizzazione attorno a un sottostrato: LayerNorm(x + y), con y l’uscita del sottostrato.
export function addAndNorm({ norm }, x, y, run, at) {
  const sums = run.off(at) ? y : x.map((row, n) => row.map((value, i) => value + y[n][i]));
  const output = run.off(`${at}.norm`) ? sums : sums.map((row) => layerNorm(row, norm));
  run.see(at, output);
  return output;
}

// Media 0 e varianza 1 lungo la riga, poi un guadagno e un bias per ciascuna componente.
export function layerNorm(row, { weight, bias }) {
  let mean = 0, variance = 0;
  for (let i = 0; i < row.length; i++) mean += row[i] / row.length;
  for (let i = 0; i < row.length; i++) variance += (row[i] - mean) ** 2 / row.length;
  const gain = 1 / Math.sqrt(variance + 1e-5);
  return row.map((value, i) => (value - mean) * gain * weight[i] + bias[i]);
}

// Uno strato dell’encoder. x: (n, d_model) → (n, d_model); memory: vuota, raccoglie chiavi e valori delle n posizioni.
export function* encoderLayer(layer, x, memory, run, at) {
  const same = x.map(() => memory), everywhere = x.map(() => Infinity);
  yield* inBlocks(x, (block, from, to) => remember(layer.self_attention, block, same.slice(from, to)));
  return yield* inBlocks(x, (block, from, to) => {
    const seen = everywhere.slice(from, to);
    const y = multiHeadAttention(layer.self_attention, block, same.slice(from, to), seen, run, `${at}.self_attention`);
    const middle = addAndNorm(layer.residuals[0], block, y, run, `${at}.residuals.0`);
    const ffn = feedForward(layer.feed_forward, middle, run, `${at}.feed_forward`);
    return addAndNorm(layer.residuals[1], middle, ffn, run, `${at}.residuals.1`);
  });
}

// Uno strato del decoder. x: (m, d_model), di una o più sequenze: la riga i sta nella memoria own[i], ne vede le prime
// visible[i] posizioni (la maschera causale è qui), e guarda la frase di partenza in source.
export function* decoderLayer(layer, x, own, visible, source, run, at) {
  yield* inBlocks(x, (block, from, to) => remember(layer.self_attention, block, own.slice(from, to)));
  return yield* inBlocks(x, (block, from, to) => {
    const mine = own.slice(from, to), same = block.map(() => source), everywhere = block.map(() => Infinity);
    const seen = visible.slice(from, to);
    const y = multiHeadAttention(layer.self_attention, block, mine, seen, run, `${at}.self_attention`);
    const first = addAndNorm(layer.residuals[0], block, y, run, `${at}.residuals.0`);
    const z = multiHeadAttention(layer.cross_attention, first, same, everywhere, run, `${at}.cross_attention`);
    const second = addAndNorm(layer.residuals[1], first, z, run, `${at}.residuals.1`);
    const ffn = feedForward(layer.feed_forward, second, run, `${at}.feed_forward`);
    return addAndNorm(layer.residuals[2], second, ffn, run, `${at}.residuals.2`);
  });
}

const BLOCK = 8;

// Le righe di x a gruppi, con una pausa (yield) dopo ciascuno, dove chi esegue può fare altro: senza un worker la pagina
// non si ferma. Rende le righe che work rende, tutte in fila.
export function* inBlocks(x, work) {
  const rows = [];
  for (let from = 0; from < x.length; from += BLOCK) {
    const done = work(x.slice(from, from + BLOCK), from, from + BLOCK);
    if (done) rows.push(...done);
    yield;
  }
  return rows;
}
