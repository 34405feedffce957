// I prodotti per le matrici a 8 bit: qui passa quasi tutto il tempo.
//
// Una matrice è { codes, scale, columns }: di ogni riga gli interi da −127 a 127,
// uno dopo l’altro in un Int8Array, e la scala che li riporta ai pesi, in un
// Float32Array. Una riga è un’unità d’uscita.

// La forma da leggere: y_r = scale_r · Σ_i codes_ri · x_i, per le righe da
// first a last escluso.
export function plainProduct(W, x, first = 0, last = W.scale.length) {
  const y = new Float32Array(last - first);
  for (let r = first; r < last; r++) {
    let sum = 0;
    for (let i = 0; i < W.columns; i++) {
      sum += W.codes[r * W.columns + i] * x[i];
    }
    y[r - first] = sum * W.scale[r];
  }
  return y;
}

// La stessa per più vettori, X (n, colonne) → (n, last − first), e gli stessi numeri fino all’ultima cifra: l’ordine delle
// somme non cambia. È più svelta perché ogni numero letto serve a più prodotti: un peso a quattro vettori, o un
// elemento di un vettore a quattro righe; e le somme, che non si aspettano l’una con l’altra, avanzano insieme.
export function product(W, X, first = 0, last = W.scale.length) {
  const Y = X.map(() => new Float32Array(last - first));
  let n = 0;
  for (; n + 4 <= X.length; n += 4) fourVectors(W, X, Y, n, first, last);
  for (; n < X.length; n++) fourRows(W, X[n], Y[n], first, last);
  return Y;
}

function fourVectors({ codes, scale, columns }, X, Y, n, first, last) {
  const x0 = X[n], x1 = X[n + 1], x2 = X[n + 2], x3 = X[n + 3];
  const y0 = Y[n], y1 = Y[n + 1], y2 = Y[n + 2], y3 = Y[n + 3];
  let r = first;
  for (; r + 2 <= last; r += 2) {
    const row = r * columns, next = row + columns;
    let a0 = 0, a1 = 0, a2 = 0, a3 = 0, b0 = 0, b1 = 0, b2 = 0, b3 = 0;
    for (let i = 0; i < columns; i++) {
      const a = codes[row + i], b = codes[next + i], v0 = x0[i], v1 = x1[i], v2 = x2[i], v3 = x3[i];
      a0 += a * v0; a1 += a * v1; a2 += a * v2; a3 += a * v3;
      b0 += b * v0; b1 += b * v1; b2 += b * v2; b3 += b * v3;
    }
    const at = r - first, s = scale[r], t = scale[r + 1];
    y0[at] = a0 * s; y1[at] = a1 * s; y2[at] = a2 * s; y3[at] = a3 * s;
    y0[at + 1] = b0 * t; y1[at + 1] = b1 * t; y2[at + 1] = b2 * t; y3[at + 1] = b3 * t;
  }
  for (let k = n; k < n + 4 && r < last; k++) lastRows(codes, scale, columns, X[k], Y[k], r, first, last);
}

function fourRows({ codes, scale, columns }, x, y, first, last) {
  let r = first;
  for (; r + 4 <= last; r += 4) {
    const row = r * columns, second = row + columns, third = second + columns, fourth = third + columns;
    let a = 0, b = 0, c = 0, d = 0;
    for (let i = 0; i < columns; i++) {
      const v = x[i];
      a += codes[row + i] * v; b += codes[second + i] * v; c += codes[third + i] * v; d += codes[fourth + i] * v;
    }
    const at = r - first;
    y[at] = a * scale[r]; y[at + 1] = b * scale[r + 1]; y[at + 2] = c * scale[r + 2]; y[at + 3] = d * scale[r + 3];
  }
  lastRows(codes, scale, columns, x, y, r, first, last);
}

// Le righe che avanzano, una alla volta.
function lastRows(codes, scale, columns, x, y, r, first, last) {
  for (; r < last; r++) {
    let sum = 0;
    for (let i = 0; i < columns; i++) sum += codes[r * columns + i] * x[i];
    y[r - first] = sum * scale[r];
  }
}
