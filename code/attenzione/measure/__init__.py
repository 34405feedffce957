"""I tempi: ``timing`` (misurare bene), ``roofline`` (i limiti della macchina), ``benchmark`` (libreria e rivali)."""
