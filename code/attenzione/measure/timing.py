"""Misura dei tempi, uguale in tutto il libro."""

import time

import torch
from tqdm import tqdm


def best_seconds(function, *args, repeats=7, clock=time.perf_counter):
    """Il tempo più breve, in secondi, di ``function(*args)`` su ``repeats`` esecuzioni dopo una di prova.

    Il più breve e non la media: ciò che si aggiunge viene dal resto della macchina. Aspetta la fine del
    lavoro della GPU, quando c’è. clock: l’orologio, in secondi; time.process_time conta il solo tempo di
    processore, sommato sui thread. ValueError se ``repeats`` non è almeno 1.
    """
    if repeats < 1:
        raise ValueError(f"repeats vale {repeats}: atteso almeno 1")
    function(*args)
    return min(seconds(function, *args, clock=clock) for _ in range(repeats))


def pick_clock(device):
    """Il tempo di processore dove c’è un solo thread: chi usa l’altro core non lo cambia. Altrove l’orologio."""
    single = torch.device(device).type == "cpu" and torch.get_num_threads() == 1
    return time.process_time if single else time.perf_counter


def seconds_in_turn(jobs, rounds, label=None):
    """I secondi di ogni lavoro, giro per giro: {nome: [secondi, ...]}, lunghi rounds.

    jobs: {nome: funzione senza argomenti}. I lavori si alternano: un momento lento della macchina tocca a tutti, e il
    rapporto fra due tempi dello stesso giro ne risente poco. Un giro in più, il primo, scalda e non conta. L’orologio è
    quello di pick_clock per la CPU. label: il nome della barra di avanzamento. ValueError se ``rounds`` non è almeno 1.
    """
    if rounds < 1:
        raise ValueError(f"rounds vale {rounds}: atteso almeno 1")
    times, clock = {name: [] for name in jobs}, pick_clock("cpu")
    for _ in tqdm(range(rounds + 1), desc=label, unit="giro"):
        for name, job in jobs.items():
            times[name].append(seconds(job, clock=clock))
    return {name: values[1:] for name, values in times.items()}


def seconds(function, *args, clock=time.perf_counter):
    """I secondi di una sola esecuzione di ``function(*args)``, fino alla fine del lavoro della GPU, quando c’è."""
    wait = torch.cuda.synchronize if torch.cuda.is_available() else (lambda: None)
    wait()
    start = clock()
    function(*args)
    wait()
    return clock() - start
