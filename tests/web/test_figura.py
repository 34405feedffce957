"""La figura 1 viva: le scatole, le forme, le lunghezze e i parametri sono quelli di PyTorch."""

import pytest
import torch
from modello_finto import Traduttore, minuscolo
from test_conti_esperimenti import chiedi

from attenzione.attention import MultiHeadAttention
from attenzione.feedforward import PositionwiseFeedForward
from attenzione.layers import Residual

FRASE, PREFISSO = "The cat eats the mouse.", [276, 1300, 14]


@pytest.fixture(scope="module")
def traduttore(tmp_path_factory) -> Traduttore:
    return minuscolo(tmp_path_factory.mktemp("figura"))


@pytest.fixture(scope="module")
def fatti(traduttore) -> dict:
    """Ciò che la pagina sa del modello, e i valori di una frase."""
    dati = {"prefix": PREFISSO}
    (risposta,) = traduttore.chiedi([{"kind": "intermediates", "text": FRASE, "options": dati}])
    (caricato,) = traduttore.chiedi([{"kind": "load"}])
    return caricato["result"] | {"values": risposta["result"]["values"]}


@pytest.fixture(scope="module")
def visti(traduttore) -> dict:
    """I moduli che PyTorch chiama, nell’ordine in cui finiscono: che cosa vi entra e che cosa ne esce."""
    rete, visti = traduttore.rete, {}
    ganci = [
        modulo.register_forward_hook(lambda m, a, y, nome=nome: visti.__setitem__(nome, (a[0][0], y[0])))
        for nome, modulo in rete.named_modules()
        if isinstance(modulo, MultiHeadAttention | Residual | PositionwiseFeedForward)
    ]
    with torch.inference_mode():
        z, maschera = rete.encode(traduttore.sorgente(FRASE))
        x = rete.decode(torch.tensor([[1, *PREFISSO]]), z, maschera)
        visti["logits"] = (x[0], rete.embedding.logits(x[:, -1]))
    for gancio in ganci:
        gancio.remove()
    return visti


def scatole(fatti) -> list[str]:
    """Le scatole della figura, con uno strato dopo l’altro."""
    albero = chiedi("C.figura.albero(x)", list(fatti["values"]))
    colonne = (albero[pila] for pila in ("encoder", "decoder"))
    parti = (parte for c in colonne for parte in (c["sotto"], *c["strati"], c["sopra"]))
    return [nome for parte in parti for nome in parte]


def test_le_scatole_sono_le_chiamate_di_pytorch(fatti, visti):
    nomi = scatole(fatti)
    sotto = {f"{lato}.{che}" for lato in ("source", "target") for che in ("embedding", "positions")}
    assert [nome for nome in nomi if nome not in sotto | {"softmax"}] == list(visti)
    assert sotto < set(nomi) and nomi[-1] == "softmax"
    assert {chiedi("C.figura.specie(x)", nome) for nome in nomi} == set(chiedi("Object.keys(C.figura.SPECIE)"))


def test_cio_che_entra_ed_esce_e_quello_di_pytorch(fatti, visti):
    """La forma, e la lunghezza di ogni riga; nella somma anche ciò che il sottostrato ha reso."""

    def uguali(nome, atteso, quale):
        v = fatti["values"][nome]
        assert [v["rows"], v["columns"]] == list(atteso.shape), quale
        lunghezze = chiedi("Array.from({ length: x.rows }, (_, i) => C.vivo.norma(C.vivo.riga(x, i)))", v)
        assert lunghezze == pytest.approx(atteso.norm(dim=-1).tolist(), abs=1e-4), quale

    for nome, (entrato, uscito) in visti.items():
        voci = chiedi("C.figura.valori(x, 2)", nome)
        uguali(voci["esce"], uscito, nome)
        (_, primo), *altri = voci["entra"]
        if nome == "logits":
            continue
        uguali(primo, entrato, f"{nome}, x")
        if ".residuals." in nome:
            ((_, uscita),) = altri
            strato, quale = nome.split(".residuals.")
            assert list(visti)[list(visti).index(nome) - 1] == uscita, (strato, quale)
        elif "cross_attention" in nome:
            assert altri == [["z, per K e V", "encoder.1"]]


def test_i_parametri_sono_quelli_di_pytorch(fatti, traduttore):
    contati = set()
    for nome in scatole(fatti):
        forme = dict(chiedi("C.figura.parametri(x[0], x[1])", [nome, fatti["tensors"]]))
        modulo = "embedding" if chiedi("C.figura.specie(x)", nome) in ("embedding", "logits") else nome
        senza = chiedi("C.figura.specie(x)", nome) in ("positions", "softmax")
        attesi = {} if senza else dict(traduttore.rete.get_submodule(modulo).named_parameters())
        assert forme == {di: list(parametro.shape) for di, parametro in attesi.items()}, nome
        quanti = chiedi("C.figura.quanti(x)", list(forme.items()))
        assert quanti == sum(parametro.numel() for parametro in attesi.values())
        contati |= set() if senza else {(modulo, quanti)}
    assert sum(quanti for _, quanti in contati) == fatti["parameters"]  # gli embedding sono una matrice sola


def test_una_scatola_spenta_manca(traduttore):
    opzioni = {"without": ["decoder.0.cross_attention"], "encoderLayers": 1}
    (risposta,) = traduttore.chiedi([{"kind": "intermediates", "text": FRASE, "options": opzioni}])
    albero = chiedi("C.figura.albero(x)", list(risposta["result"]["values"]))
    assert len(albero["encoder"]["strati"]) == 1 and len(albero["decoder"]["strati"]) == 2
    mancano, intere = (["cross_attention" in nome for nome in strato] for strato in albero["decoder"]["strati"])
    assert not any(mancano) and any(intere)
