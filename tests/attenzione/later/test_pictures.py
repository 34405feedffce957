"""Tessere, disegni, una sola sequenza: ciascuno contro una seconda forma dello stesso calcolo."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import conv2d, unfold

from attenzione.later.drawings import SHAPES, SIDE, WORDS, as_words, captions, draw, outside
from attenzione.later.language_model import LanguageModelConfig
from attenzione.later.one_sequence import PictureLanguageModel, describe
from attenzione.later.patches import VisionTransformer, patches


def close(found, expected):
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)


# Tessere, 2010.11929


@settings(max_examples=30, deadline=None)
@given(rows=st.integers(1, 4), columns=st.integers(1, 4), size=st.integers(1, 5))
def test_patches_are_those_of_torch(rows, columns, size):
    """Un guasto piantato: le tessere prese per colonne, che con immagini quadrate avrebbero la forma giusta."""
    images = torch.randn(3, rows * size, columns * size).double()
    found = patches(images, size)
    close(found, unfold(images[:, None], size, stride=size).mT)
    assert torch.equal(found[0, -1].view(size, size), images[0, -size:, -size:])


def test_projecting_patches_is_a_convolution_that_jumps():
    images, W = torch.randn(2, 12, 8).double(), torch.randn(16, 5).double()
    kernel = W.T.reshape(5, 1, 4, 4)
    close(patches(images, 4) @ W, conv2d(images[:, None], kernel, stride=4).flatten(2).mT)


def test_patches_errors():
    with pytest.raises(ValueError, match="altezza vale 10: atteso un multiplo di size = 4"):
        patches(torch.zeros(1, 10, 8), 4)
    with pytest.raises(ValueError, match="larghezza vale 9: atteso un multiplo di size = 4"):
        patches(torch.zeros(1, 8, 9), 4)


def vit(**options):
    torch.manual_seed(0)
    return VisionTransformer(8, 4, 3, d_model=8, d_ff=6, n_heads=2, **options).double()


def test_the_vision_transformer_is_that_of_torch():
    model, images = vit(n_layers=1), torch.randn(2, 8, 8).double()
    theirs = torch.nn.TransformerEncoderLayer(8, 2, 6, dropout=0, batch_first=True, norm_first=True).double()
    layer = model.layers[0]
    attention, network = layer.self_attention, layer.feed_forward
    theirs.load_state_dict(
        {
            "self_attn.in_proj_weight": attention.W_qkv.T,
            "self_attn.in_proj_bias": torch.zeros(24),
            "self_attn.out_proj.weight": attention.W_o.T,
            "self_attn.out_proj.bias": torch.zeros(8),
            "linear1.weight": network.W_1.T,
            "linear1.bias": network.b_1,
            "linear2.weight": network.W_2.T,
            "linear2.bias": network.b_2,
        }
        | {f"norm{i + 1}.{name}": value for i in (0, 1) for name, value in layer.residuals[i].norm.state_dict().items()}
    )
    tokens = torch.cat([model.class_token.expand(2, 1, 8), patches(images, 4) @ model.W_patch], dim=1)
    close(model(images), model.norm(theirs(tokens + model.positions.PE))[:, 0] @ model.W_out)


def test_without_positions_it_is_a_bag_of_patches():
    images, order = torch.randn(2, 8, 8).double(), torch.tensor([2, 0, 3, 1])
    with_positions, without = vit(), vit(with_positions=False)
    close(without.read(patches(images, 4)[:, order]), without(images))
    assert not torch.allclose(with_positions.read(patches(images, 4)[:, order]), with_positions(images))


def test_the_weights_of_the_class_are_those_of_the_attention():
    model, images = vit(), torch.randn(3, 8, 8).double()
    before = model(images)
    weights = model.class_weights(images)
    assert weights.shape == (2, 3, 2, 4) and weights.min() >= 0 and weights.sum(dim=-1).max() < 1
    close(model(images), before)
    x = model.positions(torch.cat([model.class_token.expand(3, 1, 8), patches(images, 4) @ model.W_patch], dim=1))
    layer = model.layers[0]
    _, expected = layer.self_attention(layer.residuals[0].norm(x), need_weights=True)
    close(weights[0], expected[:, :, 0, 1:])


def test_the_vision_transformer_has_its_derivative():
    images = torch.randn(1, 4, 4, dtype=torch.float64, requires_grad=True)
    torch.manual_seed(0)
    model = VisionTransformer(4, 2, 2, n_layers=1, d_model=4, d_ff=3, n_heads=2).double()
    assert torch.autograd.gradcheck(model, images)


# Disegni


def test_the_drawings_are_in_their_half_and_of_their_kind():
    images, kinds, centers = draw(200, torch.Generator().manual_seed(0), noise=0.0)
    assert images.min() >= 0 and images.max() == 1 and set(kinds.tolist()) == {0, 1, 2, 3}
    places = torch.arange(SIDE) + 0.5
    ink = images / images.sum(dim=(1, 2), keepdim=True)
    rows, columns = (ink.sum(dim=2) * places).sum(dim=1), (ink.sum(dim=1) * places).sum(dim=1)
    assert torch.equal(rows < 8, centers[:, 0] < 8) and torch.equal(columns < 8, centers[:, 1] < 8)
    middle = images[torch.arange(200), centers[:, 0].long(), centers[:, 1].long()]
    assert middle.min() == 1  # tutte piene, anche al centro


def test_each_shape_is_itself():
    """Il centro, la punta in alto, l’angolo in basso e il lato, di figure di raggio 3."""
    x, y = torch.tensor([0.0, 0.0, 2.4, 2.6]), torch.tensor([0.0, -2.6, 2.4, 0.0])
    inside = outside(x.view(1, 4, 1), y.view(1, 4, 1), torch.tensor(3.0))[0, :, :, 0] < 0
    assert dict(zip(SHAPES, inside.tolist(), strict=True)) == {
        "cerchio": [True, True, False, True],
        "quadrato": [True, True, True, True],
        "triangolo": [True, True, False, False],
        "croce": [True, True, False, True],
    }


def test_the_same_generator_draws_the_same():
    first, second = (draw(5, torch.Generator().manual_seed(3))[0] for _ in range(2))
    assert torch.equal(first, second)


def test_captions_say_the_shape_and_the_place():
    tokens = captions(torch.tensor([0, 3]), torch.tensor([[4.0, 12.0], [10.0, 5.0]]))
    assert [as_words(row) for row in tokens] == ["un cerchio in alto a destra", "una croce in basso a sinistra"]
    assert tokens[:, 0].eq(WORDS.index("INIZIO")).all() and tokens[:, -1].eq(WORDS.index("FINE")).all()
    assert set(SHAPES) < set(WORDS) and len(set(WORDS)) == len(WORDS)


# Una sola sequenza


def reader():
    torch.manual_seed(0)
    config = LanguageModelConfig(n_vocab=len(WORDS), n_layers=2, d_model=16, d_ff=12, n_heads=2, p_drop=0.0, max_len=24)
    return PictureLanguageModel(config, 4).double().eval()


def test_patches_whose_vectors_are_words_are_words():
    """Se le tessere danno i vettori di certe parole, è il modello linguistico che legge quelle e poi il testo."""
    model, words, tokens = reader(), torch.tensor([[5, 6, 7, 8]]), torch.tensor([[1, 3, 5]])
    model.W_patch.data = torch.eye(16).double()
    images = model.embedding(words).view(1, 2, 2, 4, 4).transpose(2, 3).reshape(1, 8, 8)
    whole = model.embedding.logits(model.run(torch.cat([words, tokens], dim=1)))
    close(model(images.detach(), tokens), whole[:, 4:])


@settings(max_examples=10, deadline=None)
@given(place=st.integers(0, 4))
def test_a_word_sees_every_patch_and_no_later_word(place):
    model, images, tokens = reader(), torch.randn(1, 8, 8).double(), torch.tensor([[1, 3, 5, 9, 10]])
    before = model(images, tokens)
    changed = tokens.clone()
    changed[0, place] = 4
    same = (model(images, changed) == before).all(dim=-1)[0]
    assert same[:place].all() and not same[place:].any()
    for row in (0, 7):
        other = images.clone()
        other[0, row, row] += 1
        assert not (model(other, tokens) == before).all(dim=-1).any()


def test_describing_is_choosing_the_likeliest_word_each_time():
    model, images = reader(), torch.randn(3, 8, 8).double()
    found = describe(model, images, 5)
    assert found.shape == (3, 5) and found[:, 0].eq(WORDS.index("INIZIO")).all()
    assert torch.equal(model(images, found[:, :-1]).argmax(dim=-1), found[:, 1:])


def test_picture_errors():
    with pytest.raises(ValueError, match="altezza vale 6"):
        reader()(torch.zeros(1, 6, 8).double(), torch.tensor([[1]]))
    with pytest.raises(ValueError, match="tokens"):
        reader()(torch.zeros(1, 8, 8).double(), torch.tensor([[99]]))
