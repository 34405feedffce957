// I bottoni «copia» delle celle sono una fermata sola della tastiera: dall’uno all’altro si va con le frecce su e giù.
addEventListener("load", () => {
  const bottoni = [...document.querySelectorAll("button.copybtn")];
  const ferma = (quale) => bottoni.forEach((b) => { b.tabIndex = b === quale ? 0 : -1; });
  ferma(bottoni.find((b) => b.checkVisibility()) ?? bottoni[0]);
  document.addEventListener("focusin", (evento) => bottoni.includes(evento.target) && ferma(evento.target));
  document.addEventListener("keydown", (evento) => {
    const passo = { ArrowDown: 1, ArrowUp: -1 }[evento.key], qui = bottoni.indexOf(evento.target);
    if (!passo || qui < 0) return;
    evento.preventDefault();
    let altro = qui + passo;
    while (bottoni[altro] && !bottoni[altro].checkVisibility()) altro += passo;
    bottoni[altro]?.focus();
  });
});
