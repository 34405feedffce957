"""Il registro è completo: ogni voce ha la prova che la decide, ogni prova la sua voce."""

import re
from collections import Counter
from pathlib import Path

import pytest
import registro
from registro import affermazione, distacco, invece, premessa, tesi

from lettore.affermazioni import PROVE, SCALATA, SENZA_PROVA, VERDETTI, leggi_affermazioni, leggi_prove
from lettore.sorgente import leggi_libro

RADICE = Path(__file__).resolve().parents[2]
PROVE_PER_ID = leggi_prove(RADICE)
ALTROVE: dict[str, str] = {}
"""Voci che si decidono in un capitolo diverso da quello del loro blocco: identificatore → capitolo."""


@pytest.fixture(scope="module")
def pagine():
    return leggi_libro(RADICE)


@pytest.fixture(scope="module")
def voci(pagine):
    return [voce for pagina in pagine for voce in leggi_affermazioni(pagina)]


def test_gli_identificatori_sono_unici(voci):
    assert [i for i, quante in Counter(voce.id for voce in voci).items() if quante > 1] == []


def test_ogni_voce_ha_una_prova_e_ogni_prova_una_voce(voci):
    da_provare = {voce.id for voce in voci if voce.verdetto not in SENZA_PROVA}
    assert sorted(da_provare - PROVE_PER_ID.keys()) == [], "voci senza prova"
    assert sorted(PROVE_PER_ID.keys() - da_provare) == [], "prove senza voce, o con una voce che non ne ha"
    assert {i: prove for i, prove in PROVE_PER_ID.items() if len(prove) > 1} == {}


def test_il_registro_e_ampio_e_usa_tutti_i_verdetti(voci):
    assert len(voci) >= 60 and len(PROVE_PER_ID) >= 45
    assert {voce.verdetto for voce in voci} == set(VERDETTI)


def test_sono_repliche_le_prove_delle_voci_riprodotte_in_scala(voci):
    """Ciò che si mostra addestrando ha tre semi e un controllo; il resto non ne ha bisogno."""
    repliche = {ident for ident, prove in PROVE_PER_ID.items() if all(prova.replica for prova in prove)}
    assert repliche == {voce.id for voce in voci if voce.verdetto == SCALATA}


def test_cio_che_la_voce_dice_invece_lo_asserisce_la_prova(voci):
    """Chi dà torto all’articolo deve provare anche ciò che mette al suo posto."""
    asserito = {ident for ident, prove in PROVE_PER_ID.items() if all(prova.invece for prova in prove)}
    assert asserito == {voce.id for voce in voci if voce.invece}


def test_ogni_voce_sta_nel_capitolo_del_suo_blocco(pagine, voci):
    capitoli = {traduzione.id: pagina.file for pagina in pagine for traduzione in pagina.traduzioni}
    fuori = {voce.id: voce.file for voce in voci if voce.blocco and voce.file != capitoli[voce.blocco]}
    assert fuori == ALTROVE


def test_di_chi_e_venuto_dopo_si_parla_dopo(pagine, voci):
    """Una frase che non è dell’articolo sta nella Parte III, e la sua fonte è nella bibliografia."""
    chiavi = set(re.findall(r"^@\w+\{([\w-]+),", (RADICE / "references.bib").read_text("utf-8"), re.M))
    altrui = [voce for voce in voci if voce.fonte]
    assert altrui and {voce.file for voce in altrui if not voce.file.startswith("chapters/dopo/")} == set()
    assert {fonte for voce in altrui for fonte in voce.fonte.split(",")} - chiavi == set()


def test_le_prove_si_riconoscono_tutte_dal_sorgente():
    """Il registro le cerca senza eseguirle: l’identificatore è scritto per intero, ed è il primo argomento."""
    for file in [*(RADICE / PROVE).glob("test_[0-9]*.py"), *(RADICE / PROVE).glob("test_dopo*.py")]:
        usi = len(re.findall(r"^@(?:\w+\.)?affermazione\(", file.read_text(encoding="utf-8"), re.M))
        trovate = [p for prove in PROVE_PER_ID.values() for p in prove if f"/{file.name}::" in p.luogo]
        assert len(trovate) == usi, file.name


# ---------------------------------------------------------------- il decoratore


REPLICA = {"vero": {"x": 1}, "falso": [{"x": 2}]}


@pytest.mark.parametrize(
    ("argomenti", "atteso"),
    [
        ({"vero": {"x": 1}, "falso": []}, "almeno un’alternativa"),
        ({"vero": {"x": 1}, "falso": {"x": 2}}, "almeno un’alternativa"),
        ({"vero": {"x": 1}, "falso": [{"x": 1}]}, "uguale al vero"),
        ({"vero": {"x": 1}, "falso": [{"y": 2}]}, "che «vero» non ha"),
        ({"vero": {}, "falso": [{}]}, "«vero» deve dire"),
        ({"vero": {"y": 1}, "falso": [{"y": 2}]}, "non ha gli argomenti"),
        ({**REPLICA, "semi": (0, 1, 2)}, "«semi» e «controllo», tutti e due"),
        ({**REPLICA, "controllo": [{"x": 0}]}, "«semi» e «controllo», tutti e due"),
        ({**REPLICA, "controllo": [{"x": 0}], "semi": (0,)}, "almeno tre semi diversi"),
        ({**REPLICA, "controllo": [{"x": 0}], "semi": (0, 1, 1)}, "almeno tre semi diversi"),
        ({**REPLICA, "controllo": [{"x": 1}], "semi": (0, 1, 2)}, "uguale al vero"),
    ],
)
def test_una_tabella_che_non_decide_e_un_errore_alla_raccolta(argomenti, atteso):
    with pytest.raises(ValueError, match=atteso):
        affermazione("di-prova", **argomenti)(lambda x, semi=None: None)


def casi(prova):
    (segno,) = prova.pytestmark
    return dict(zip(segno.kwargs["ids"], segno.args[1], strict=True))


def test_con_il_falso_si_pretende_che_cada_la_tesi():
    def somma(x, y):
        with tesi:
            assert x + y == 3

    prova = affermazione("di-prova", vero={"x": 1, "y": 2}, falso=[{"x": 2}, {"y": 3}])(somma)
    assert casi(prova) == {"vero": {"x": 1, "y": 2}, "falso-1": {"x": 2, "y": 2}, "falso-2": {"x": 1, "y": 3}}
    for caso in casi(prova).values():
        prova(caso=caso)


def test_un_falso_che_cade_fuori_dalla_tesi_non_vale():
    def somma(x):
        assert x < 2, "la preparazione"
        with tesi:
            assert x == 1

    prova = affermazione("di-prova", vero={"x": 1}, falso=[{"x": 2}])(somma)
    prova(caso=casi(prova)["vero"])
    with pytest.raises(AssertionError, match="la preparazione"):
        prova(caso=casi(prova)["falso-1"])


def test_una_prova_che_non_sa_fallire_non_passa():
    def contenta(x):
        with tesi:
            pass

    prova = affermazione("di-prova", vero={"x": 1}, falso=[{"x": 2}])(contenta)
    prova(caso=casi(prova)["vero"])
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        prova(caso=casi(prova)["falso-1"])


def test_una_prova_senza_tesi_non_passa():
    def muta(x):
        pass

    prova = affermazione("di-prova", vero={"x": 1}, falso=[{"x": 2}])(muta)
    with pytest.raises(pytest.fail.Exception, match="with tesi"):
        prova(caso=casi(prova)["vero"])


def test_un_errore_qualsiasi_non_vale_come_fallimento():
    def divide(x):
        with tesi:
            assert 1 / x == 1

    prova = affermazione("di-prova", vero={"x": 1}, falso=[{"x": 0}])(divide)
    with pytest.raises(ZeroDivisionError):
        prova(caso=casi(prova)["falso-1"])


def test_un_controllo_che_passa_fa_cadere_la_replica():
    """Il risultato c’è anche dove non può esserci: non lo dà ciò che l’affermazione dice."""

    def impara(addestrato, punti, semi):
        with premessa:
            assert addestrato
        with tesi:
            assert punti == 1 and semi == (0, 1, 2)

    vero = {"addestrato": True, "punti": 1}
    controllo = [{"addestrato": False}]
    prova = affermazione("di-prova", vero=vero, falso=[{"punti": 2}], controllo=controllo, semi=(0, 1, 2))(impara)
    assert list(casi(prova)) == ["vero", "falso-1", "controllo-1"]
    prova(caso=casi(prova)["vero"])
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        prova(caso=casi(prova)["controllo-1"])


def test_una_replica_passa_dalla_premessa():
    """Chi non ha nemmeno la premessa cade per un’altra ragione; il controllo ne fa a meno."""

    def impara(visto, punti, semi):
        with premessa:
            assert visto
        with tesi:
            assert punti == 1

    vero, semi = {"visto": True, "punti": 1}, (0, 1, 2)
    falso, controllo = [{"visto": False, "punti": 2}], [{"visto": False, "punti": 0}]
    prova = affermazione("di-prova", vero=vero, falso=falso, controllo=controllo, semi=semi)(impara)
    prova(caso=casi(prova)["vero"])
    prova(caso=casi(prova)["controllo-1"])
    with pytest.raises(AssertionError, match="assert False"):
        prova(caso=casi(prova)["falso-1"])

    def senza_premessa(punti, semi):
        with tesi:
            assert punti == 1

    prova = affermazione("di-prova", vero={"punti": 1}, falso=[{"punti": 2}], controllo=[{"punti": 0}], semi=semi)(
        senza_premessa
    )
    with pytest.raises(pytest.fail.Exception, match="with premessa"):
        prova(caso=casi(prova)["vero"])


def test_cio_che_si_dice_invece_si_asserisce():
    def smentisce(x, y):
        with tesi:
            assert x == 1
        if y:
            with invece:
                assert x + y == 2

    prova = affermazione("di-prova", vero={"x": 1, "y": 1}, falso=[{"x": 2}])(smentisce)
    for caso in casi(prova).values():
        prova(caso=caso)
    prova = affermazione("di-prova", vero={"x": 1, "y": 2}, falso=[{"x": 2}])(smentisce)
    with pytest.raises(AssertionError):
        prova(caso=casi(prova)["vero"])
    prova = affermazione("di-prova", vero={"x": 1, "y": 0}, falso=[{"x": 2}])(smentisce)
    with pytest.raises(pytest.fail.Exception, match="with invece"):
        prova(caso=casi(prova)["vero"])


def test_il_distacco_si_misura_in_oscillazioni():
    assert distacco([3, 4, 5], [1, 2, 2]) == pytest.approx((7 / 3) / (1 / 3) ** 0.5)
    assert distacco([1, 2, 3], [3, 2, 1]) == 0
    with pytest.raises(ValueError, match="almeno tre"):
        distacco([1, 2], [0, 0])


@pytest.fixture
def dieci():
    return 10


@pytest.mark.parametrize("volte", [1, 2])
@registro.affermazione("convive-con-le-fixture", vero={"x": 1}, falso=[{"x": 2}])
def test_convive_con_fixture_e_altri_parametri(x, volte, dieci):
    with tesi:
        assert x * volte * dieci == volte * 10
