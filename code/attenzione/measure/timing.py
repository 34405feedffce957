"""Misura dei tempi, uguale in tutto il libro."""

import time

import torch


def best_seconds(function, *args, repeats=7, clock=time.perf_counter):
    """Il tempo più breve, in secondi, di ``function(*args)`` su ``repeats`` esecuzioni dopo una di prova.

    Il più breve e non la media: ciò che si aggiunge viene dal resto della macchina. Aspetta la fine del
    lavoro della GPU, quando c’è. clock: l’orologio, in secondi; time.process_time conta il solo tempo di
    processore, sommato sui thread. ValueError se ``repeats`` non è almeno 1.
    """
    if repeats < 1:
        raise ValueError(f"repeats vale {repeats}: atteso almeno 1")
    wait = torch.cuda.synchronize if torch.cuda.is_available() else (lambda: None)
    function(*args)
    times = []
    for _ in range(repeats):
        wait()
        start = clock()
        function(*args)
        wait()
        times.append(clock() - start)
    return min(times)
