// Gli embedding e la codifica posizionale, §3.4 e §3.5.
import { product } from "./products.js";

// Dai token ai vettori: la riga di E per √d_model, più la posizione.
// tokens: (n), da start in poi → (n, d_model). `at`: «source» o «target»,
// perché la matrice è una sola e le sequenze sono due.
export function embed({ E }, tokens, start, run, at) {
  const root = Math.sqrt(E.columns);
  const enlarged = (value) => value * root;
  const x = tokens.map((token) => rowOf(E, token).map(enlarged));
  run.see(`${at}.embedding`, x);
  const y = run.off("positions") ? x : x.map((row, n) => {
    const PE = position(start + n, E.columns);
    return row.map((value, i) => value + PE[i]);
  });
  run.see(`${at}.positions`, y);
  return y;
}

function rowOf({ codes, scale, columns }, r) {
  const row = codes.subarray(r * columns, (r + 1) * columns);
  return Float32Array.from(row, (code) => code * scale[r]);
}

// PE(pos, 2i) = sin(pos / 10000^(2i/d_model)), e PE(pos, 2i + 1) il coseno.
export function position(pos, d_model) {
  return Float32Array.from({ length: d_model }, (_, i) => {
    const angle = pos / 10000 ** ((i - (i % 2)) / d_model);
    return i % 2 ? Math.cos(angle) : Math.sin(angle);
  });
}

// La stessa E, per i logit: x (n, d_model) → (n, n_vocab).
export const logitsOf = ({ E }, x) => product(E, x);
