// I riquadri delle definizioni e delle spiegazioni li disegna Tippy, che si carica al primo che si apre.
(() => {
  const base = document.documentElement.dataset.content_root || "./";
  let pronto = null;
  const prendi = (nome) => new Promise((fatto, mancato) => {
    const programma = document.createElement("script");
    Object.assign(programma, { src: `${base}_static/tippy/${nome}`, onload: fatto, onerror: mancato });
    document.head.append(programma);
  });
  window.conTippy = (fai) => {
    if (window.tippy) return fai();
    pronto ??= prendi("popper.min.js").then(() => prendi("tippy-bundle.umd.min.js"));
    pronto.then(fai, () => { pronto = null; });
  };
})();
