"""Gli esercizi sono di sphinx-exercise: qui, ciò che dimentica di unire quando più processi leggono le pagine."""


def unisci(app, env, docnames, altro):
    """Il registro delle direttive che si aprono e si chiudono, per documento; gli altri due li unisce da sé."""
    letti = getattr(altro, "sphinx_exercise_gated_registry", {})
    if not hasattr(env, "sphinx_exercise_gated_registry"):
        env.sphinx_exercise_gated_registry = {}
    env.sphinx_exercise_gated_registry |= {doc: voce for doc, voce in letti.items() if doc in docnames}


def setup(app):
    app.connect("env-merge-info", unisci)
