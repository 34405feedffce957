// Il modello intero, Figura 1. I parametri stanno in un albero con i nomi di
// PyTorch: model.encoder[0].self_attention.W_o.
import { copyMemory, emptyMemory, remember, sideBySide } from "./attention.js";
import { embed } from "./embedding.js";
import { all, decoderLayer, encoderLayer, inBlocks } from "./layers.js";

// Come si esegue. without: i nomi di ciò che si toglie, fra quelli di ablations; encoderLayers, decoderLayers: quanti
// strati si usano, tutti se mancano; watch: una funzione (nome, righe) a cui si mostra ogni valore intermedio.
export function howToRun(config, { without = [], encoderLayers, decoderLayers } = {}, watch = null) {
  const gone = new Set(without), known = new Set(ablations(config));
  for (const name of gone) {
    if (!known.has(name)) throw new RangeError(`without contiene «${name}»: atteso un nome di ablations`);
  }
  const layers = { encoder: encoderLayers ?? config.n_layers, decoder: decoderLayers ?? config.n_layers };
  for (const [stack, n] of Object.entries(layers)) {
    if (!Number.isInteger(n) || n < 1 || n > config.n_layers) {
      throw new RangeError(`${stack}Layers vale ${n}: atteso un intero da 1 a ${config.n_layers}`);
    }
  }
  const off = gone.size ? (name) => gone.has(name) : () => false;
  return { off, layers, watching: Boolean(watch), see: watch ?? (() => {}) };
}

// Tutto ciò che si può togliere, coi nomi dell’albero; i primi tre valgono per il modello intero.
export function ablations({ n_layers, n_heads }) {
  const names = ["scale", "positions", "causal_mask"];
  for (const stack of ["encoder", "decoder"]) {
    const attentions = stack === "encoder" ? ["self_attention"] : ["self_attention", "cross_attention"];
    for (let layer = 0; layer < n_layers; layer++) {
      for (const attention of attentions) {
        names.push(`${stack}.${layer}.${attention}`);
        for (let h = 0; h < n_heads; h++) names.push(`${stack}.${layer}.${attention}.heads.${h}`);
      }
      names.push(`${stack}.${layer}.feed_forward`);
      for (let i = 0; i <= attentions.length; i++) {
        names.push(`${stack}.${layer}.residuals.${i}`, `${stack}.${layer}.residuals.${i}.norm`);
      }
    }
  }
  return names;
}

// Dalla frase di partenza, tokens (n), alla memoria z (n, d_model).
export function* encode(model, tokens, run) {
  let z = embed(model.embedding, tokens, 0, run, "source");  // (n, d_model)
  for (let i = 0; i < run.layers.encoder; i++) {
    const memory = emptyMemory(model.config.n_heads);
    z = yield* encoderLayer(model.encoder[i], z, memory, run, `encoder.${i}`);
    seeMemory(memory, run, `encoder.${i}.self_attention`);
    run.see(`encoder.${i}`, z);
  }
  return z;
}

// Le chiavi e i valori di z per ogni strato del decoder: una volta per frase.
export function* project(model, z, run) {
  const memories = [];
  for (let i = 0; i < run.layers.decoder; i++) {
    const { cross_attention } = model.decoder[i];
    const memory = emptyMemory(model.config.n_heads);
    yield* inBlocks(z, (z) => remember(cross_attention, z, all(z, memory)));
    seeMemory(memory, run, `decoder.${i}.cross_attention`);
    memories.push(memory);
  }
  return memories;
}

// La cache di una sequenza: quante posizioni sono già passate dal decoder, e
// le loro chiavi e valori strato per strato.
export const emptyCache = ({ n_layers, n_heads }) => ({
  length: 0,
  layers: Array.from({ length: n_layers }, () => emptyMemory(n_heads)),
});

export const copyCache = ({ length, layers }) =>
  ({ length, layers: layers.map(copyMemory) });

// I token nuovi di una o più sequenze, tokens[k] in coda a caches[k], dopo la
// frase di memories. Rende i vettori prima dei logit, una riga per token
// nuovo, una sequenza dopo l’altra: (m, d_model).
export function* decode(model, tokens, caches, memories, run) {
  let x = caches.flatMap(({ length }, k) =>
    embed(model.embedding, tokens[k], length, run, "target"));
  const owners = caches.flatMap((cache, k) => all(tokens[k], cache));
  const visible = caches.flatMap(({ length }, k) =>
    tokens[k].map((_, i) => length + i + 1));
  if (run.off("causal_mask")) visible.fill(Infinity);
  for (let i = 0; i < run.layers.decoder; i++) {
    const own = owners.map((cache) => cache.layers[i]);
    const at = `decoder.${i}`, layer = model.decoder[i];
    x = yield* decoderLayer(layer, x, own, visible, memories[i], run, at);
    seeMemory(own[0], run, `${at}.self_attention`);
    run.see(at, x);
  }
  caches.forEach((cache, k) => { cache.length += tokens[k].length; });
  return x;
}

function seeMemory({ K, V }, run, at) {
  if (!run.watching || run.off(at)) return;
  run.see(`${at}.K`, sideBySide(K));
  run.see(`${at}.V`, sideBySide(V));
}
