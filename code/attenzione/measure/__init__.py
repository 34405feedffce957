"""I tempi: ``timing`` (misurare bene), ``roofline`` (i limiti della macchina), ``benchmark`` (questa libreria e altre)."""
