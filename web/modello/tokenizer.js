// Dal testo agli identificatori e ritorno, §5.1: la stessa pulizia e la stessa codifica byte-pair del modello spedito.
//
// «▁» sta per lo spazio e apre ogni parola. Le regole di Python e quelle di JavaScript non chiamano parola le stesse
// cose: qui le classi di caratteri si scrivono per esteso.

const WORD = "[\\p{L}\\p{N}_]";  // \w di Python
const EDGE = `(?:(?<=${WORD})(?!${WORD})|(?<!${WORD})(?=${WORD}))`;  // \b di Python
const SPACES = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/u;
const CHARACTERS = new Map([
  ...Array.from("‘’‛´`′", (c) => [c, "'"]), ...Array.from("“”„«»″", (c) => [c, '"']),
  ...Array.from("‐‑‒–—―−", (c) => [c, "-"]), ["…", "..."], ["\u00ad", ""], ["\ufeff", ""], ["\u200b", ""],
]);
const LANGUAGES = "bg|cs|da|de|el|en|es|et|fi|fr|ga|hu|it|lt|lv|mt|nl|pl|pt|ro|sk|sl|sv";
const SPURIOUS = new RegExp(  // ciò che il resoconto antepone alle parole dette
  `^(?:[ .,;:\\-]+(?!\\p{Nd})|\\((?:${LANGUAGES})\\)|`
  + "(?:in writing|per iscritto|schriftlich|par écrit)[.,]? *(?=[(\\-]))+", "u");
const GENITIVE = new RegExp(`(?<=${WORD}) ?' s(?!${WORD})`, "gu");
const ELIDED = new RegExp(`${EDGE}([a-zà-ù]*(?:ll|gl|st|nt|qu|un|tr|sc)|[lcdnmtsv])' (?=[aeiouhàèéìòù])`, "gu");
const E_ACCENT = new RegExp(`(?<!${WORD})e'(?!${WORD})`, "gu");

// Il testo in minuscolo, con una sola forma per ogni segno e senza ciò che il resoconto antepone.
export function clean(text) {
  const plain = Array.from(text.normalize("NFC").toLowerCase(), (c) => CHARACTERS.get(c) ?? c).join("");
  return plain.split(SPACES).filter(Boolean).join(" ").replace(SPURIOUS, "").replace(GENITIVE, "'s")
    .replace(ELIDED, "$1'").replace(E_ACCENT, "è").replace(/ (?=[.,;:!?)\]](?: |$))/gu, "").trim();
}

// Una parola con l’apostrofo che la elide; la s del genitivo, una cifra, un segno ciascuno per sé. Di \w qui la regola è
// quella di Oniguruma, che conta per lettere anche sei cifre piccole.
const LETTER = "\\p{Alphabetic}\\p{M}\\p{Pc}²³¹¼½¾";
const S = `s(?![${LETTER}\\p{Nd}])`;
const SIGN = `[^${LETTER}\\p{Nd}\\p{White_Space}▁]`;
const PIECES = new RegExp(`'${S}|▁?(?:(?!_)[${LETTER}])+(?:'(?!${S}))?|▁?\\p{Nd}|▁?${SIGN}|▁?_|▁`, "gu");

const UNKNOWN = 3;  // dopo PAD, BOS ed EOS

// symbols: le unità che non vengono da una fusione, in ordine di identificatore, speciali compresi; merges: le fusioni
// come coppie di identificatori, una dopo l’altra nell’ordine in cui furono imparate: ciascuna dà l’unità seguente.
export function createTokenizer({ symbols, merges }) {
  const pieces = [...symbols], ranks = new Map();
  for (let i = 0; i < merges.length; i += 2) {
    ranks.set(merges[i] * 65536 + merges[i + 1], pieces.length);  // l’ordine delle fusioni è quello delle unità
    pieces.push(pieces[merges[i]] + pieces[merges[i + 1]]);
  }
  const ids = new Map(symbols.map((symbol, id) => [symbol, id]).slice(UNKNOWN + 1));

  // Si fonde ogni volta la coppia imparata prima, la più a sinistra, finché ce n’è una.
  function split(word) {
    const units = Array.from(word, (c) => ids.get(c) ?? UNKNOWN);
    for (;;) {
      let best = Infinity, place = -1;
      for (let i = 0; i + 1 < units.length; i++) {
        const rank = ranks.get(units[i] * 65536 + units[i + 1]) ?? Infinity;
        if (rank < best) [best, place] = [rank, i];
      }
      if (place < 0) return units;
      units.splice(place, 2, best);
    }
  }

  const known = new Map();  // le parole già spezzate: in una frase lunga si ripetono
  function splitOnce(word) {
    if (!known.has(word)) known.set(word, split(word));
    return known.get(word);
  }

  return {
    pieces,
    encode(text) {
      const marked = clean(text).replaceAll(" ", "▁");
      if (!marked) return [];
      known.clear();
      return (marked.startsWith("▁") ? marked : `▁${marked}`).match(PIECES).flatMap(splitOnce);
    },
    decode: (units) => units.filter((id) => id > UNKNOWN).map((id) => pieces[id]).join("").replaceAll("▁", " ").trim(),
    // I segni del testo, pulito, che il modello non vede.
    lost: (text) => [...new Set(clean(text))].filter((c) => c === "▁" || (c !== " " && !ids.has(c))),
  };
}
