"""L’addestramento del paper, §5: tasso di apprendimento, label smoothing, batch, ciclo, checkpoint."""
