// Il traduttore, come lo usa una pagina: carica i pesi su richiesta e passa le domande a chi lavora (engine.js).
//
//   const traduttore = createTranslator({ base: "_static/dal-vivo/" });
//   await traduttore.load(({ fraction }) => …, signal);
//   const { text } = await traduttore.translate("thank you.", { strategy: "beam" }, (event) => …);
//
// Ogni errore ha un messaggio italiano che si può mostrare: WeightsError se i pesi mancano o sono guasti, InputError se il
// testo non si può tradurre, RangeError se un’opzione è sbagliata, AbortError se si è annullato.
import { createEngine } from "./engine.js";
import { WeightsError } from "./weights.js";

const arrivals = new Map();

// Lo chiamano i file dei pesi: anche da una cartella, senza rete, un programma si può sempre caricare.
export const arrived = (name, content) => { arrivals.set(name, content); };

// base: la cartella dei pesi, con la barra; source: il testo di questo programma, per farne un worker (null: si lavora
// nella pagina, a fette); getScript: come si carica un file.
export function createTranslator({ base, source = globalThis.attenzione?.source ?? null, getScript = addScript }) {
  const waiting = new Map();
  let engine = null, loading = null, next = 0;

  function receive({ id, event, result, error }) {
    const request = waiting.get(id);
    if (!request) return;
    if (event) {
      request.onEvent?.(event);
      return;
    }
    waiting.delete(id);
    if (error) request.reject(toError(error));
    else request.resolve(result);
  }

  const ask = (kind, request, { onEvent, signal } = {}) => new Promise((resolve, reject) => {
    if (!engine) throw new WeightsError("Il modello non è ancora caricato.");
    const id = next++;
    waiting.set(id, { resolve, reject, onEvent });
    signal?.addEventListener("abort", () => engine?.send({ cancel: [id] }), { once: true });
    engine.send({ id, kind, ...request });
    if (signal?.aborted) engine.send({ cancel: [id] });
  });

  // Prende un file dei pesi, e ciò che ha consegnato.
  async function take(file, name, version, signal) {
    signal?.throwIfAborted();
    await getScript(`${base}${file}${version ? `?v=${version}` : ""}`, signal);
    const content = arrivals.get(name);
    arrivals.delete(name);
    if (content === undefined) throw damaged(file);
    return content;
  }

  async function loadAll(onProgress, signal) {
    const dead = (message) => { for (const id of [...waiting.keys()]) receive({ id, error: { name: "Error", message } }); };
    engine = (source && await openWorker(source, receive, dead)) || inPage(receive);
    const index = await take("indice.js", "indice", "", signal);
    if (index?.format !== 1 || !index.parts?.length) throw damaged("indice.js");
    const total = index.parts.reduce((sum, { size }) => sum + size, 0);
    let loaded = 0;
    onProgress?.({ loaded, total, fraction: 0 });
    for (const entry of index.parts) {
      const text = await take(entry.file, entry.name, entry.crc32, signal);
      await ask("part", { entry, text }, { signal });
      loaded += entry.size;
      onProgress?.({ loaded, total, fraction: loaded / total });
    }
    return { ...await ask("ready", { index }, { signal }), mode: engine.mode };
  }

  function close() {
    engine?.close();
    for (const id of [...waiting.keys()]) receive({ id, error: aborted() });
    engine = loading = null;
  }

  return {
    // Carica il modello, se non c’è già. onProgress: riceve { loaded, total, fraction }, in byte; signal: un AbortSignal.
    // Rende { config, parameters, tensors, ablations, mode }: tensors sono le voci dell’indice (weights.js), mode è «worker»
    // o «page». Dopo un errore si può riprovare.
    load(onProgress, signal) {
      loading ??= loadAll(onProgress, signal).catch((error) => {
        close();
        throw signal?.aborted ? toError(aborted()) : error;
      });
      return loading;
    },
    translate: (text, options = {}, onToken = undefined) =>
      ask("translate", { text, options: plain(options) }, { onEvent: onToken, signal: options.signal }),
    step: (text, options = {}) => ask("step", { text, options: plain(options) }, options),
    intermediates: (text, options = {}) => ask("intermediates", { text, options: plain(options) }, options),
    // Annulla tutto ciò che si è chiesto e non è finito.
    cancel: () => engine?.send({ cancel: [...waiting.keys()] }),
    close,
  };
}

// Le opzioni senza il segnale, che a un worker non si manda.
const plain = ({ signal, ...options }) => options;

const aborted = () => ({ name: "AbortError", message: "Richiesta annullata." });
const damaged = (file) => new WeightsError(`Il file «${file}» è guasto: va scaricato di nuovo, o il libro ricostruito.`);

function toError({ name, message }) {
  if (name === "AbortError") return new DOMException(message, name);
  return Object.assign(new Error(message), { name });
}

// Il motore nella pagina.
function inPage(receive) {
  const toEngine = createEngine(receive);
  return { mode: "page", send: toEngine, close() {} };
}

// Il motore in un worker fatto dello stesso programma; null se il browser non lo permette.
function openWorker(source, receive, dead) {
  return new Promise((resolve) => {
    try {
      const program = `const attenzione = (${source})(); attenzione.serveWorker(self);`;
      const url = URL.createObjectURL(new Blob([program], { type: "text/javascript" })), worker = new Worker(url);
      worker.onmessage = ({ data }) => {  // il primo messaggio dice che è vivo
        URL.revokeObjectURL(url);
        worker.onmessage = ({ data }) => receive(data);
        worker.onerror = () => dead("Il modello si è fermato: la pagina va ricaricata.");
        resolve(data.hello ? { mode: "worker", send: (m) => worker.postMessage(m), close: () => worker.terminate() } : null);
      };
      worker.onerror = (event) => {
        event.preventDefault();
        resolve(null);
      };
    } catch {
      resolve(null);
    }
  });
}

// Un programma nella pagina. Errori: WeightsError se non si trova.
function addScript(url, signal) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    const end = (settle, value) => {
      script.remove();
      settle(value);
    };
    script.src = url;
    script.onload = () => end(resolve);
    script.onerror = () => end(reject, new WeightsError(
      `I pesi del modello non si trovano: manca «${url.split("?")[0]}». Il libro va scaricato per intero, o ricostruito.`));
    signal?.addEventListener("abort", () => end(reject, toError(aborted())), { once: true });
    document.head.append(script);
  });
}
