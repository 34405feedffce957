"""I tre flussi di un programma, e le righe di testo che un file o un flusso contengono: UTF-8 dappertutto."""

import errno
import io
import os
import sys
from contextlib import suppress

REASONS = {
    errno.ENOENT: "non c’è",
    errno.EACCES: "permesso negato",
    errno.EPERM: "permesso negato",
    errno.EISDIR: "è una cartella, atteso un file",
    errno.ENOTDIR: "una parte del percorso è un file, attesa una cartella",
    errno.EEXIST: "c’è già un file con questo nome, attesa una cartella",
    errno.ENAMETOOLONG: "il nome è troppo lungo",
    errno.EROFS: "il disco si può soltanto leggere",
    errno.ENOSPC: "sul disco non c’è più posto",
}
"""Gli errori del sistema operativo che capitano a chi scrive un percorso sbagliato."""


def as_command(main):
    """Esegue main come programma; rende lo stato di uscita, di solito ciò che rende main.

    Scrive in UTF-8, qualunque codifica abbia il terminale. Con Ctrl-C, una riga e 130. Se chi legge smette prima
    («| head -1»), silenzio e 141, come i filtri di Unix: la shell lo guarda soltanto con pipefail.
    """
    prepare()
    try:
        status = main()
    except SystemExit as stop:  # argparse, che ha già scritto
        status = stop.code
    except KeyboardInterrupt:
        start = "\n" if sys.stderr.isatty() else ""  # il terminale ha già scritto «^C»
        say(f"{start}interrotto")
        status = 130
    except BrokenPipeError:
        status = 141
    for stream in filter(None, (sys.stdout, sys.stderr)):
        try:
            stream.flush()
        except OSError as error:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())  # ciò che resta: uscendo Python ci riprova
            if isinstance(error, BrokenPipeError):
                status = status or 141
            elif not status:
                say(f"errore: {reason(error)}")
                status = 1
    return status


def prepare():
    """Mette in ordine i tre flussi: ognuno ha un descrittore, che sa aspettare, e ciò che si scrive è in UTF-8.

    Un flusso chiuso resta None, fuorché lo standard error: print(file=None) scriverebbe nello standard output.
    """
    for fd in range(3):
        try:
            os.fstat(fd)
        except OSError:  # lo prenderebbe il primo file che si apre, e vi finirebbe ciò che è per il flusso
            os.open(os.devnull, os.O_RDWR)
        with suppress(OSError, AttributeError):  # Windows
            os.set_blocking(fd, True)  # altrimenti «non ancora» si legge come «fine», e una pipe piena perde l’uscita
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    for stream, errors in ((sys.stdout, "surrogateescape"), (sys.stderr, "backslashreplace")):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors=errors)  # i nomi di file tornano coi loro byte


def say(message):
    """Scrive una riga sullo standard error, se qualcuno la può leggere."""
    with suppress(OSError):
        print(message, file=sys.stderr)


def opened(stream, name):
    """stream, lo standard input o output. Errori: ValueError se chi ha lanciato il programma l’ha chiuso."""
    if stream is None:
        raise ValueError(f"lo standard {name} è chiuso: atteso aperto")
    return stream


def reason(error):
    """Un OSError in una frase: il file, se c’è, e che cosa non va."""
    sentence = REASONS.get(error.errno)
    if sentence is None:
        return str(error)
    return sentence if error.filename is None else f"{error.filename}: {sentence}"


def decode_line(line, row):
    """La riga numero row di un testo, dai byte: senza il fine riga (\\n o \\r\\n) né, sulla prima, il segno dei byte.

    Errori: ValueError se non è in UTF-8, con la riga e il byte.
    """
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"riga {row}, byte {error.start + 1}: il testo non è in UTF-8") from error
    text = text.removeprefix("\ufeff") if row == 1 else text
    return text.removesuffix("\n").removesuffix("\r")


def check_utf8(what, shown, text):
    """Errore se text ha surrogati, i byte che non erano UTF-8; what e shown dicono di che testo si parla."""
    if any("\ud800" <= c <= "\udfff" for c in text):
        escaped = shown.encode("utf-8", "backslashreplace").decode("utf-8")
        raise ValueError(f"{what} «{escaped}»: il testo non è in UTF-8")


def arriving_lines(stream, size):
    """Cede le righe di un flusso binario, in elenchi di al più size, appena arrivano: non ne aspetta altre.

    Chi scrive una riga e aspetta la risposta l’ha; se le righe arrivano in fretta, quelle venute mentre si elaborava
    l’elenco di prima fanno i successivi.
    """
    pieces = []  # di una riga che non è ancora finita
    while data := stream.read1(1 << 16):
        *lines, rest = data.split(b"\n")
        if lines:
            lines = [line + b"\n" for line in [b"".join([*pieces, lines[0]]), *lines[1:]]]
            pieces = []
        pieces.append(rest)
        for start in range(0, len(lines), size):
            yield lines[start : start + size]
    if last := b"".join(pieces):
        yield [last]
