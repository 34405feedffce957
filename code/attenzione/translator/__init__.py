"""Il traduttore che viaggia col libro: dal checkpoint alla scheda.

``packaging`` (mediare e spedire), ``pretrained`` (caricare e tradurre), ``evaluation`` (BLEU, chrF, confronti),
``searches`` (ampiezze del beam e conti di BLEU, registrati), ``card`` (la scheda, dai numeri registrati). ``lstm`` è la
rete ricorrente con cui lo si confronta.
"""
