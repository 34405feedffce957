// I pesi, dai file che la costruzione del libro ha scritto: prima i numeri in virgola mobile, poi i codici a 8 bit.
import { createTokenizer } from "./tokenizer.js";

// I byte di un file, controllati. entry: la sua voce nell’indice; text: ciò che il file contiene, in base64.
// Errori: WeightsError se la lunghezza o l’impronta non sono quelle dell’indice.
export function readBytes(entry, text) {
  let bytes = null;
  try {
    const decoded = atob(text);
    bytes = new Uint8Array(decoded.length);
    for (let i = 0; i < decoded.length; i++) bytes[i] = decoded.charCodeAt(i);
  } catch { /* non è base64: è guasto come se mancasse un pezzo */ }
  if (bytes?.length !== entry.bytes || crc32(bytes) !== entry.crc32) {
    throw new WeightsError(`Il file «${entry.file}» è guasto: va scaricato di nuovo, o il libro ricostruito.`);
  }
  return bytes;
}

export class WeightsError extends Error {
  name = "WeightsError";
}

const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
  return n;
});

// L’impronta CRC-32, la stessa di zlib: di ogni guasto casuale se ne accorge, salvo uno su quattro miliardi.
export function crc32(bytes) {
  let crc = -1;
  for (let i = 0; i < bytes.length; i++) crc = TABLE[(crc ^ bytes[i]) & 255] ^ (crc >>> 8);
  return (crc ^ -1) >>> 0;
}

// Il tokenizer, dal suo file.
export const readTokenizer = (bytes) => createTokenizer(JSON.parse(new TextDecoder().decode(bytes)));

// L’albero dei parametri. files: dal nome di ogni parte ai suoi byte. In una voce dell’indice, tensors elenca nell’ordine
// in cui stanno nel file [nome, righe, colonne] di una matrice a 8 bit e [nome, lunghezza] di un vettore: di tutte le
// matrici prima le scale, poi i codici.
export function readModel(index, files) {
  const model = { config: index.config };
  for (const { name, tensors } of index.parts) {
    if (!tensors) continue;
    const { buffer } = files.get(name);
    let at = 0;
    const floats = tensors.map(([, rows]) => new Float32Array(buffer, (at += 4 * rows) - 4 * rows, rows));
    tensors.forEach(([path, rows, columns], i) => {
      if (columns === undefined) return plant(model, path, floats[i]);
      const codes = new Int8Array(buffer, at, rows * columns);
      at += codes.length;
      return plant(model, path, { codes, scale: floats[i], columns });
    });
  }
  return model;
}

// Mette value al suo posto: «encoder.0.self_attention.W_o» è model.encoder[0].self_attention.W_o.
function plant(model, path, value) {
  const names = path.split("."), last = names.pop();
  let node = model;
  names.forEach((name, i) => { node = node[name] ??= /^\d+$/.test(names[i + 1] ?? "") ? [] : {}; });
  node[last] = value;
}
