"""Un articolo di prova, scritto da noi: piccolo, ma con tutto ciò che l’e-print vero contiene."""

import gzip
import io
import tarfile
from pathlib import Path

import pytest

from lettore.inventario import Blocco, impronta, normalizza, normalizza_formula

PRINCIPALE = r"""\documentclass{article}
\usepackage[utf8]{inputenc} % commento \input{non_esiste}
\newcommand{\dzuppa}{d_{\text{zuppa}}}
\newcommand*\grassetto[1]{\mathbf{#1}}
\title{La zuppa è tutto}
\author{
  \AND
  Ada Rossi\thanks{Pari merito, \{in ordine\} sparso.}\\
  Cucina Alta\\
  \texttt{ada@esempio.it}\\
  \And
  {\L}uca Bo\footnotemark[1] \hspace{1mm}\thanks{Ora in sala.}\\
  \texttt{luca@esempio.it}
}
\begin{document}
\begin{center}
  \color{red} \large Si può copiare per studio.
\end{center}
\maketitle
\begin{abstract}
Un riassunto al 100\% onesto. % \footnote{mai stampata}
%Un’altra frase che non si stampa.
Fine del riassunto.
\end{abstract}
\section*{Premessa}
\section{Inizio}\label{sec:inizio}
\input{capitoli/uno}
\section{Fine}
Si veda \url{https://esempio.it/a_b}, o \href{https://esempio.it/c}{questo sito}.
\paragraph{Grazie} A chi ha assaggiato.
\bibliographystyle{plain}
\begin{thebibliography}{10}
\bibitem{rossi1900}
Ada~Rossi.
\newblock {\em Brodi e \{graffe\}}, pagine 3--4, 1900.
\bibitem{DBLP:bo/2001}
{\L}uca B{\"o}.
\newblock Minestre.
\end{thebibliography}
\end{document}
Dopo la fine non si stampa nulla.
"""

CAPITOLO = r"""
\begin{figure}[t]
  \centering
  \includegraphics[scale=0.6]{./figure/pentola}
  \caption{La pentola $P$, vuota.}
  \label{fig:pentola}
\end{figure}

%Un paragrafo commentato, lungo quanto gli altri.

\iffalse
Un paragrafo spento, con \ifx un condizionale \fi dentro.
\fi

La zuppa ha dimensione $\dzuppa=5$ e un vettore $\grassetto{z} \in \mathbb{R}^{\dzuppa}$
\citep{rossi1900,DBLP:bo/2001}.
% un commento in mezzo non spezza il paragrafo
Come mostra la Figura~\ref{fig:pentola}, e come dice la sezione \ref{sec:cottura},
"bolle" \emph{piano} e \textbf{sempre}
\footnote{Salvo il $40$ per cento dei casi \cite{rossi1900}.}. Costa 5\$ al \#1\_b [circa] * 2 < 3 \& basta.

1. Questo paragrafo comincia con un numero, e la formula
\begin{equation}\label{eq:brodo}
  B(x) = \frac{x}{\sqrt{\dzuppa}}
\end{equation}
lo taglia in due, vedi~(\ref{eq:brodo}).

\begin{align*}
  a &= b\\
%  c &= d\\
  e &= \text{sale}\\
\end{align*}

\subsection{Cottura} \label{sec:cottura}
\begin{itemize}
\item - Mescolare \textit{`bene'} spesso.

\item Assaggiare, Tabella~\ref{tab:sale}.
\end{itemize}

\begin{table}[t]
\begin{center}
\caption{Quanto sale.}
\label{tab:sale}
\vspace{-2mm}
\begin{tabular}{lcc}
\toprule
\multirow{2}{*}{\vspace{-2mm}Zuppa} & \multicolumn{2}{c}{Sale} \\
\cmidrule{2-3}
& poco & molto \\
\hline
\rule{0pt}{2.0ex}Orzo \cite{rossi1900} & 1 & \textbf{2.5} \\
\specialrule{1pt}{-1pt}{0pt}
Farro & \multicolumn{2}{c}{\boldmath$3\cdot10^{2}$} \\
\bottomrule
\end{tabular}
\end{center}
\end{table}
"""

PENTOLA = b"\x89PNG una pentola di prova"

FILE = {
    "principale.tex": PRINCIPALE.encode(),
    "capitoli/uno.tex": CAPITOLO.encode(),
    "capitoli/scarto.tex": b"Un file che nessuno include.",
    "figure/pentola.png": PENTOLA,
}

# (id, genere, testo come lo vuole l’impronta: senza formule, citazioni, note)
_TESTI = [
    ("note-permesso", "note", "Si può copiare per studio."),
    ("title", "title", "La zuppa è tutto"),
    ("authors", "authors", "Ada Rossi Cucina Alta ada@esempio.it Łuca Bo luca@esempio.it"),
    ("note-pari", "note", "Pari merito, {in ordine} sparso."),
    ("note-sala", "note", "Ora in sala."),
    ("note-stile", "note", "Stampata dal foglio di stile"),
    ("abs-p1", "paragraph", "Un riassunto al 100% onesto. Fine del riassunto."),
    ("premessa-h", "heading", "Premessa"),
    ("s1-h", "heading", "Inizio"),
    ("fig1-cap", "caption", "La pentola, vuota."),
    (
        "s1-p1",
        "paragraph",
        "La zuppa ha dimensione e un vettore. Come mostra la Figura 1, e come dice la sezione 1.1,"
        " bolle piano e sempre. Costa 5$ al #1_b [circa] * 2 < 3 & basta.",
    ),
    ("s1-fn3", "footnote", "Salvo il per cento dei casi."),
    ("s1-p2", "paragraph", "1. Questo paragrafo comincia con un numero, e la formula"),
    ("s1-p3", "paragraph", "lo taglia in due, vedi (1)."),
    ("s1.1-h", "heading", "Cottura"),
    ("s1.1-li1", "list-item", "- Mescolare ‘bene’ spesso."),
    ("s1.1-li2", "list-item", "Assaggiare, Tabella 1."),
    ("tab1-cap", "caption", "Quanto sale."),
    ("tab1", "table", "Zuppa Sale poco molto Orzo 1 2.5 Farro"),
    ("s2-h", "heading", "Fine"),
    ("s2-p1", "paragraph", "Si veda https://esempio.it/a_b, o questo sito."),
    ("ack-h", "heading", "Grazie"),
    ("ack", "acknowledgements", "A chi ha assaggiato."),
    ("refs", "references", "Ada Rossi. Brodi e {graffe}, pagine 3-4, 1900. Łuca Bö. Minestre."),
]
_FORMULE = [
    ("eq1", r"B(x) = \frac{x}{\sqrt{d_{\text{zuppa}}}}"),
    ("eq-sale", r"a &= b\\ e &= \text{sale}\\"),
]


def _blocco(nome: str, genere: str, testo: str, norma: str, improntato: str) -> Blocco:
    return Blocco(
        id=nome,
        kind=genere,
        section=None,
        heading=None,
        incipit=" ".join(testo.split()[:3]),
        words=len(testo.split()),
        norm_len=len(norma),
        fingerprint=improntato,
        only_in="style-file" if nome == "note-stile" else None,
    )


@pytest.fixture(scope="session")
def inventario_prova() -> dict[str, Blocco]:
    blocchi = [_blocco("fig1", "figure", "", "", impronta(PENTOLA))]
    for nome, genere, testo in _TESTI:
        blocchi.append(_blocco(nome, genere, testo, normalizza(testo), impronta(normalizza(testo))))
    for nome, tex in _FORMULE:
        norma = normalizza_formula(tex)
        blocchi.append(_blocco(nome, "equation", "", norma, impronta(norma)))
    return {b.id: b for b in blocchi}


@pytest.fixture
def file_prova() -> dict[str, bytes]:
    """I file dell’articolo di prova; ogni test può cambiarli."""
    return dict(FILE)


@pytest.fixture
def archivia(tmp_path: Path):
    """Una funzione che fa di un dizionario di file un archivio, e ne rende il percorso."""

    def fai(contenuto: dict[str, bytes], nome: str = "articolo.tar.gz", in_piu=()) -> Path:
        dati = tar_di(contenuto, in_piu)
        percorso = tmp_path / nome
        percorso.write_bytes(gzip.compress(dati, mtime=0) if nome.endswith("gz") else dati)
        return percorso

    return fai


@pytest.fixture
def cartella_prova(tmp_path: Path) -> Path:
    radice = tmp_path / "articolo"
    for nome, dati in FILE.items():
        file = radice / nome
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(dati)
    return radice


def tar_di(contenuto: dict[str, bytes], in_piu=()) -> bytes:
    """Un archivio tar in memoria; ``in_piu``: elementi già fatti (TarInfo), senza contenuto."""
    uscita = io.BytesIO()
    with tarfile.open(fileobj=uscita, mode="w") as archivio:
        for nome, dati in contenuto.items():
            elemento = tarfile.TarInfo(nome)
            elemento.size = len(dati)
            archivio.addfile(elemento, io.BytesIO(dati))
        for elemento in in_piu:
            archivio.addfile(elemento)
    return uscita.getvalue()


@pytest.fixture
def tar_in_memoria():
    return tar_di
