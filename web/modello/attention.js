// L’attenzione, §3.2. Una matrice di numeri calcolati è un elenco di righe,
// ciascuna un Float32Array; le forme stanno in fondo alla riga. `run` dice
// come si esegue: che cosa è spento (run.off) e a chi si mostra ciò che si calcola
// (run.see).
import { product } from "./products.js";

// L’equazione (1) per una query: softmax(q Kᵀ / √d_k) V, sulle prime n chiavi.
// q: (d_k); K: (…, d_k); V: (…, d_v). Rende [uscita (d_v), pesi (n)].
export function attention(q, K, V, n, scale) {
  const weights = new Float32Array(n);
  for (let j = 0; j < n; j++) weights[j] = dot(q, K[j]) * scale;
  softmax(weights);
  const output = new Float32Array(V[0].length);
  for (let j = 0; j < n; j++) {
    for (let i = 0; i < output.length; i++) output[i] += weights[j] * V[j][i];
  }
  return [output, weights];
}

export function dot(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

// I punteggi diventano, sul posto, pesi positivi che sommano a 1.
export function softmax(scores) {
  let highest = -Infinity, sum = 0;
  for (let j = 0; j < scores.length; j++) {
    highest = Math.max(highest, scores[j]);
  }
  for (let j = 0; j < scores.length; j++) {
    scores[j] = Math.exp(scores[j] - highest);
    sum += scores[j];
  }
  for (let j = 0; j < scores.length; j++) scores[j] /= sum;
}

// Le chiavi e i valori di una sequenza, testa per testa: si aggiungono in
// fondo, una riga per posizione. È anche la cache.
export const emptyMemory = (n_heads) => ({
  K: Array.from({ length: n_heads }, () => []),  // (h, n, d_k)
  V: Array.from({ length: n_heads }, () => []),  // (h, n, d_v)
});

export const copyMemory = ({ K, V }) =>
  ({ K: K.map((rows) => rows.slice()), V: V.map((rows) => rows.slice()) });

// Aggiunge a ciascuna memoria la chiave e il valore della riga di x che le
// corrisponde; righe vicine possono averne una sola. Le tre proiezioni di
// tutte le teste stanno in una matrice: le righe di W^Q, di W^K, di W^V.
export function remember({ W_qkv }, x, memories) {
  const d_model = x[0].length;
  const K = product(W_qkv, x, d_model, 2 * d_model);  // (n, h d_k)
  const V = product(W_qkv, x, 2 * d_model, 3 * d_model);  // (n, h d_v)
  memories.forEach((memory, i) => {
    memory.K.forEach((rows, h) => rows.push(ofHead(K[i], h, memory.K.length)));
    memory.V.forEach((rows, h) => rows.push(ofHead(V[i], h, memory.V.length)));
  });
}

// La parte di una riga che tocca alla testa h.
function ofHead(row, h, n_heads) {
  const d = row.length / n_heads;
  return row.subarray(h * d, (h + 1) * d);
}

// Più teste insieme, §3.2.2: la riga i di x guarda le prime visible[i]
// posizioni di memories[i]. x: (n_q, d_model) → (n_q, d_model).
// `at`: il nome di questa attenzione nell’albero del modello.
export function multiHeadAttention(layer, x, memories, visible, run, at) {
  if (run.off(at)) return x.map((row) => new Float32Array(row.length));
  const { W_qkv, W_o } = layer, n_heads = memories[0].K.length;
  const d_model = x[0].length, d_k = d_model / n_heads;
  const scale = run.off("scale") ? 1 : 1 / Math.sqrt(d_k);
  const Q = product(W_qkv, x, 0, d_model);  // (n_q, h d_k)
  const heads = Q.map(() => new Float32Array(d_model));  // (n_q, h d_v)
  for (let h = 0; h < n_heads; h++) {
    if (run.off(`${at}.heads.${h}`)) continue;  // una testa spenta dà zeri
    Q.forEach((row, i) => {
      const q = ofHead(row, h, n_heads);
      const K = memories[i].K[h], V = memories[i].V[h];
      const n = Math.min(visible[i], K.length);
      const [output, weights] = attention(q, K, V, n, scale);
      heads[i].set(output, h * d_k);
      if (run.watching) seeHead(q, K, weights, scale, run, `${at}.heads.${h}`);
    });
  }
  const output = product(W_o, heads);  // (n_q, d_model)
  if (run.watching) seeWhole(Q, memories, heads, output, W_o, run, at);
  return output;
}

// Ciò che di una testa si può guardare: le righe dei punteggi e dei pesi, −∞ e 0 dove non guarda.
function seeHead(q, K, weights, scale, run, at) {
  run.see(`${at}.scores`, [Float32Array.from(K, (k, j) => (j < weights.length ? dot(q, k) * scale : -Infinity))]);
  run.see(`${at}.weights`, [Float32Array.from(K, (_, j) => weights[j] ?? 0)]);
}

// Query, teste affiancate, uscita; e di ciascuna testa la parte d’uscita che W^O le dà: sommate, fanno l’uscita.
function seeWhole(Q, memories, heads, output, W_o, run, at) {
  const n_heads = memories[0].K.length;
  run.see(`${at}.Q`, Q);
  run.see(`${at}.concat`, heads);
  for (let h = 0; h < n_heads; h++) {
    const alone = heads.map((row) => row.map((value, i) => (Math.floor((i * n_heads) / row.length) === h ? value : 0)));
    run.see(`${at}.heads.${h}.share`, product(W_o, alone));
  }
  run.see(at, output);
}

// Le chiavi o i valori di una memoria, con le teste affiancate: (n, h d).
export const sideBySide = (rows) => rows[0].map((_, j) => Float32Array.from(rows.flatMap((head) => [...head[j]])));
