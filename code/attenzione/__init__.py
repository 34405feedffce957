"""Il Transformer di «Attention Is All You Need» (2017), con i nomi dell’articolo."""
