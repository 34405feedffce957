// Chi lavora: riceve richieste come messaggi, ne serve una alla volta e risponde con messaggi. Sta in un worker o, dove
// non si può, nella pagina: perciò lavora a fette, e fra l’una e l’altra lascia passare gli eventi.
//
// Arrivano { id, kind, … } o { cancel: [id, …] }; partono { id, event }, e alla fine { id, result } o { id, error }.
import { beamSearch, firstPrefix, generate, likeliest, mostProbable, nextLogProbs, read, sampler } from "./decoding.js";
import { ablations, howToRun } from "./transformer.js";
import { readBytes, readModel, readTokenizer } from "./weights.js";

const SLICE = 12;  // millisecondi fra una pausa e l’altra
const STRATEGIES = ["greedy", "beam", "sample"];

export class InputError extends Error {
  name = "InputError";
}

// post: come si risponde. Rende la funzione che riceve i messaggi.
export function createEngine(post) {
  const files = new Map(), cancelled = new Set();
  let model = null, tokenizer = null, lastRead = { key: null }, queue = Promise.resolve();

  const named = (token, logProb) => ({ token, piece: tokenizer.pieces[token], logProb });
  const listed = (best) => best.map(({ token, logProb }) => named(token, logProb));

  // La frase di partenza, letta una volta sola se la si chiede più volte di seguito con le stesse ablazioni.
  function* readOnce(source, options, run) {
    const key = JSON.stringify([source, options.without, options.encoderLayers, options.decoderLayers]);
    if (run.watching) return yield* read(model, source, run);
    if (key !== lastRead.key) lastRead = { key, sentence: yield* read(model, source, run) };
    return lastRead.sentence;
  }

  const kinds = {
    // Un file dei pesi, com’è.
    *part({ entry, text }) {
      files.set(entry.name, readBytes(entry, text));
    },

    *ready({ index }) {
      tokenizer = readTokenizer(files.get("tokenizer"));
      model = readModel(index, files);
      files.clear();
      const { config } = model, { parameters } = index, tensors = index.parts.flatMap((part) => part.tensors ?? []);
      return { config, parameters, tensors, ablations: ablations(config) };
    },

    *translate({ text, options }) {
      checkOptions(options, model.config);
      const source = encodeSource(tokenizer, text, model.config), run = howToRun(model.config, options);
      const sentence = yield* readOnce(source, options, run), { prefix = [], candidates } = options;
      const hypotheses = options.strategy === "beam"
        ? yield* beamSearch(model, sentence, options, prefix, run)
        : yield* generate(model, sentence, chooser(options), prefix, run, candidates);
      const [{ tokens, finished, logProbs, logProb, score }] = hypotheses;
      const chosen = finished ? [...tokens, model.config.eos_id] : tokens;
      return {
        text: tokenizer.decode(tokens), logProb, score, finished,
        source: source.map((token) => named(token)), lost: tokenizer.lost(text),
        tokens: chosen.map((token, i) => named(token, logProbs[i])),
        hypotheses: hypotheses.map((one) => ({ ...one, text: tokenizer.decode(one.tokens) })),
      };
    },

    // Che cosa può venire dopo options.prefix, senza sceglierlo.
    *step({ text, options }) {
      checkOptions(options, model.config);
      const source = encodeSource(tokenizer, text, model.config), run = howToRun(model.config, options);
      const { memories } = yield* readOnce(source, options, run);
      const [logProbs] = yield* nextLogProbs(model, [firstPrefix(model, options.prefix)], memories, run);
      return { candidates: listed(likeliest(logProbs, options.candidates ?? 5)) };
    },

    // Ogni valore che si calcola traducendo la frase fino a options.prefix; con only, i soli nomi che cominciano così.
    *intermediates({ text, options }) {
      checkOptions(options, model.config);
      const source = encodeSource(tokenizer, text, model.config), rows = new Map();
      const { only = "", prefix = [] } = options;
      const run = howToRun(model.config, options, (name, more) => {
        if (name.startsWith(only)) rows.set(name, [...(rows.get(name) ?? []), ...more.map((row) => row.slice())]);
      });
      const { memories } = yield* readOnce(source, options, run);
      const [logProbs] = yield* nextLogProbs(model, [firstPrefix(model, prefix)], memories, run);
      const values = Object.fromEntries(Array.from(rows, ([name, list]) => [name, matrix(list)]));
      return {
        values, candidates: listed(likeliest(logProbs, options.candidates ?? 5)),
        source: source.map((token) => named(token)),
        target: [model.config.bos_id, ...prefix].map((token) => named(token)),
      };
    },
  };

  // Un token scelto, come lo si mostra: con i pezzi al posto degli identificatori, e il testo fin qui.
  const shown = ({ token, logProb, candidates, tokens, beams }) => (beams
    ? { beams: beams.map((beam) => ({ ...beam, text: tokenizer.decode(beam.tokens) })) }
    : { ...named(token, logProb), candidates: listed(candidates), text: tokenizer.decode(tokens) });

  async function serve(request) {
    const { id, kind } = request;
    try {
      if (cancelled.has(id)) throw new Cancelled();
      const work = kinds[kind](request);
      let pause = performance.now() + SLICE;
      for (;;) {
        const { done, value } = work.next();
        if (done) {
          post({ id, result: value });
          return;
        }
        if (value) post({ id, event: shown(value) });
        if (performance.now() < pause) continue;
        await breathe();
        if (cancelled.has(id)) throw new Cancelled();
        pause = performance.now() + SLICE;
      }
    } catch (error) {
      post({ id, error: { name: error.name, message: error.message } });
    } finally {
      cancelled.delete(id);
    }
  }

  return (message) => {
    if (message.cancel) message.cancel.forEach((id) => cancelled.add(id));
    else queue = queue.then(() => serve(message));
  };
}

class Cancelled extends Error {
  name = "AbortError";
  message = "Richiesta annullata.";
}

// Lascia passare gli eventi in attesa: clic, tasti, messaggi.
const breathe = () => new Promise((resolve) => {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => { port1.close(); resolve(); };
  port2.postMessage(null);
});

// In un worker: ciò che arriva va al motore, ciò che il motore dice torna indietro.
export function serveWorker(scope) {
  const receive = createEngine((message) => scope.postMessage(message));
  scope.onmessage = ({ data }) => receive(data);
  scope.postMessage({ hello: true });
}

// Una matrice, da un elenco di righe; le più corte (di una maschera tolta a metà) sono completate con NaN.
function matrix(rows) {
  const columns = Math.max(...rows.map((row) => row.length)), data = new Float32Array(rows.length * columns).fill(NaN);
  rows.forEach((row, i) => data.set(row, i * columns));
  return { rows: rows.length, columns, data };
}

// Gli identificatori di una frase da tradurre. Errori: InputError, con una frase che si può mostrare.
export function encodeSource(tokenizer, text, config) {
  if (/\p{Surrogate}/u.test(text)) {
    throw new InputError("Il testo contiene un carattere spezzato a metà: va incollato di nuovo.");
  }
  const ids = tokenizer.encode(text);
  if (!ids.length) throw new InputError("Non c’è nulla da tradurre: serve almeno una parola.");
  if (!tokenizer.decode(ids)) {
    throw new InputError("Il modello non conosce nessuno di questi segni: legge lettere latine, cifre e punteggiatura.");
  }
  if (ids.length > config.max_len) {
    throw new InputError(
      `Il testo è di ${ids.length} unità, e il modello ne legge al più ${config.max_len}: va dato una frase per volta.`);
  }
  return ids;
}

// Errori: RangeError che nomina l’opzione, il valore e che cosa era atteso.
export function checkOptions(options, config) {
  const { strategy = "greedy", beam = 4, alpha = 0.6, nBest = 1, temperature = 1, topK, topP, prefix = [] } = options;
  const whole = Number.isInteger;
  const rules = [
    ["strategy", strategy, STRATEGIES.includes(strategy), `uno fra ${STRATEGIES.join(", ")}`],
    ["beam", beam, whole(beam) && beam >= 1 && beam <= 8, "un intero da 1 a 8"],
    ["alpha", alpha, alpha >= 0 && alpha <= 10, "un numero da 0 a 10"],
    ["nBest", nBest, whole(nBest) && nBest >= 1 && nBest <= beam, `un intero da 1 a beam = ${beam}`],
    ["temperature", temperature, temperature >= 0.001 && temperature <= 1000, "un numero da 0,001 a 1000"],
    ["topK", topK, topK === undefined || (whole(topK) && topK >= 1), "un intero positivo"],
    ["topP", topP, topP === undefined || (topP > 0 && topP <= 1), "un numero maggiore di 0 e al più 1"],
    ["prefix", prefix, prefix.every((id) => whole(id) && id > config.bos_id && id < config.n_vocab),
      `un elenco di identificatori di token, da ${config.bos_id + 1} a ${config.n_vocab - 1}`],
  ];
  for (const [name, value, right, wanted] of rules) {
    if (!right) throw new RangeError(`${name} vale ${value}: atteso ${wanted}`);
  }
}

const chooser = (options) => (options.strategy === "sample" ? sampler(options, randomFrom(options.seed)) : mostProbable);

// Numeri in [0, 1), sempre gli stessi per lo stesso seme (mulberry32).
export function randomFrom(seed = 0) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
