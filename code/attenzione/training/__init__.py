"""L’addestramento dell’articolo, §5: tasso di apprendimento, label smoothing, batch, ciclo, checkpoint."""
