// La generazione, §6.1: greedy, campionamento, beam search. A ogni passo si
// sceglie fra le probabilità del token che segue, PAD e BOS esclusi; ci si ferma
// a EOS o, al più, a 50 token oltre la lunghezza della frase di partenza.
//
// Sono generatori: uno yield senza nulla è una pausa, uno yield con un oggetto è
// un token scelto.
import { softmax } from "./attention.js";
import { logitsOf } from "./embedding.js";
import { copyCache, decode, emptyCache, encode, project } from "./transformer.js";

const MAX_EXTRA = 50;

// La frase di partenza, letta una volta. source: (n), identificatori. limit:
// quanti token si generano al più.
export function* read(model, source, run) {
  const z = yield* encode(model, source, run);
  const memories = yield* project(model, z, run);
  const limit = Math.min(source.length + MAX_EXTRA, model.config.max_len);
  return { memories, limit };
}

// Un prefisso: i token fin qui, il logaritmo della probabilità di ciascuno e
// di tutti insieme, la cache di quelli già passati dal decoder.
export const firstPrefix = ({ config }, tokens = []) => ({
  tokens: [config.bos_id, ...tokens], logProbs: [], logProb: 0,
  cache: emptyCache(config),
});

const extend = ({ tokens, logProbs, logProb, cache }, token, more) => ({
  tokens: [...tokens, token], logProbs: [...logProbs, more],
  logProb: logProb + more, cache,
});

// I logaritmi delle probabilità del token che segue ciascun prefisso:
// (prefissi, n_vocab), −∞ per PAD e BOS.
export function* nextLogProbs(model, prefixes, memories, run) {
  const { config, embedding } = model;
  if (run.off("causal_mask")) {  // chi precede vede chi segue: niente cache
    for (const prefix of prefixes) prefix.cache = emptyCache(config);
  }
  const caches = prefixes.map(({ cache }) => cache);
  const fresh = prefixes.map((p, k) => p.tokens.slice(caches[k].length));
  const x = yield* decode(model, fresh, caches, memories, run);
  let end = 0;
  const last = fresh.map((tokens) => {
    end += tokens.length;
    return x[end - 1];
  });  // (prefissi, d_model)
  const logits = logitsOf(embedding, last);  // (prefissi, n_vocab)
  run.see("logits", logits);
  for (const row of logits) {
    row[config.pad_id] = row[config.bos_id] = -Infinity;
    logSoftmax(row);
  }
  yield;
  return logits;
}

export function logSoftmax(row) {
  let highest = -Infinity, sum = 0;
  for (let i = 0; i < row.length; i++) highest = Math.max(highest, row[i]);
  for (let i = 0; i < row.length; i++) sum += Math.exp(row[i] - highest);
  const log = highest + Math.log(sum);
  for (let i = 0; i < row.length; i++) row[i] -= log;
}

// I k token più probabili, dal primo: [{ token, logProb }].
export function likeliest(logProbs, k) {
  const best = [];
  for (let token = 0; token < logProbs.length; token++) {
    const logProb = logProbs[token];
    if (logProb === -Infinity || (best.length === k && logProb <= best[k - 1].logProb)) continue;
    let place = best.length;
    while (place && best[place - 1].logProb < logProb) place--;
    best.splice(place, 0, { token, logProb });
    if (best.length > k) best.pop();
  }
  return best;
}

// Un token alla volta: i primi sono quelli di forced, gli altri li sceglie
// choose, da (n_vocab) a un token.
export function* generate(model, sentence, choose, forced, run, best = 5) {
  const { memories, limit } = sentence;
  let prefix = firstPrefix(model), finished = false;
  for (let step = 1; step <= limit && !finished; step++) {
    const [logProbs] = yield* nextLogProbs(model, [prefix], memories, run);
    const token = forced[step - 1] ?? choose(logProbs);
    prefix = extend(prefix, token, logProbs[token]);
    finished = token === model.config.eos_id;
    yield {
      token, logProb: logProbs[token], tokens: prefix.tokens.slice(1),
      candidates: likeliest(logProbs, best),
    };
  }
  return [close(prefix, prefix.logProb, finished)];
}

export const mostProbable = (logProbs) => likeliest(logProbs, 1)[0].token;

// A sorte fra i token che filter lascia; random: una funzione che rende un numero in [0, 1).
export function sampler(filter, random) {
  return (logProbs) => {
    const probs = filterLogProbs(logProbs, filter);
    let left = random(), token = -1;
    for (let i = 0; i < probs.length && left >= 0; i++) {
      if (probs[i] > 0) { token = i; left -= probs[i]; }
    }
    return token;
  };
}

// Le probabilità da cui si estrae: la temperatura divide i logaritmi; restano i topK più probabili e, di questi, il più
// piccolo insieme dei più probabili che insieme arrivano a topP; almeno uno resta. Rende (n_vocab), zero agli altri.
export function filterLogProbs(logProbs, { temperature = 1, topK = Infinity, topP = 1 }) {
  const probs = Float64Array.from(logProbs, (logProb) => logProb / temperature);
  softmax(probs);
  const order = [...probs.keys()].sort((a, b) => probs[b] - probs[a]).slice(0, topK);
  const whole = order.reduce((sum, token) => sum + probs[token], 0);
  const kept = new Float64Array(probs.length);
  let sum = 0;
  for (const token of order) {
    if (sum && sum >= topP * whole) break;
    kept[token] = probs[token];
    sum += probs[token];
  }
  return kept.map((prob) => prob / sum);
}

// La penalità di lunghezza di GNMT, per length token generati, EOS compreso.
export const lengthPenalty = (length, alpha) => ((5 + length) / 6) ** alpha;

// Beam search: le beam sequenze più probabili avanzano insieme, ognuna finita
// occupa un posto. Si ferma prima del limite quando nessuna sequenza in corso può
// più entrare fra le nBest: il suo punteggio non supera logProb / penalità(limite).
export function* beamSearch(model, sentence, options, forced, run) {
  const { memories, limit } = sentence, { beam = 4, alpha = 0.6, nBest = 1 } = options;
  const { eos_id } = model.config, finished = [];
  let going = [firstPrefix(model)];
  for (let step = 1; step <= limit && going.length; step++) {
    const logProbs = yield* nextLogProbs(model, going, memories, run);
    const next = bestContinuations(going, logProbs, beam - finished.length, forced[step - 1]);
    const closing = next.filter(({ tokens }) => tokens.at(-1) === eos_id || step === limit);
    for (const prefix of closing) {
      finished.push(close(prefix, prefix.logProb / lengthPenalty(step, alpha), prefix.tokens.at(-1) === eos_id));
    }
    finished.sort((a, b) => b.score - a.score);
    going = next.filter((prefix) => !closing.includes(prefix));
    const toBeat = finished[nBest - 1]?.score ?? -Infinity;
    if (going.length && toBeat >= going[0].logProb / lengthPenalty(limit, alpha)) going = [];
    yield { beams: next.map(({ tokens, logProb }) => ({ tokens: tokens.slice(1), logProb })) };
  }
  return finished.slice(0, nBest);
}

// I prefissi allungati di un token, i più probabili per primi; ciascuno con una cache sua.
function bestContinuations(prefixes, logProbs, places, forced) {
  const candidates = prefixes.flatMap((prefix, k) => {
    const [row, only] = [logProbs[k], { token: forced, logProb: logProbs[k][forced] }];
    return (forced === undefined ? likeliest(row, places) : [only]).map(({ token, logProb }) => extend(prefix, token, logProb));
  });
  candidates.sort((a, b) => b.logProb - a.logProb);
  return candidates.slice(0, places).map((prefix) => ({ ...prefix, cache: copyCache(prefix.cache) }));
}

// Una frase generata: i token senza BOS né EOS, e i logaritmi delle loro probabilità, EOS compreso.
const close = ({ tokens, logProbs, logProb }, score, finished) =>
  ({ tokens: tokens.slice(1, finished ? -1 : undefined), logProbs, logProb, score, finished });
