"""Le figure del libro: ogni funzione rende la figura, senza mostrarla."""

from attenzione.figures.adapting import adapting_figure
from attenzione.figures.architecture import multi_head_figure, scaled_dot_product_diagram, transformer_diagram
from attenzione.figures.attention_lines import attention_lines, attention_of, attention_panels
from attenzione.figures.complexity import layer_costs, longest_paths
from attenzione.figures.curve import learning_curve
from attenzione.figures.decoding import beam_tree, next_token_figure, width_figure
from attenzione.figures.denoising import denoising_figure
from attenzione.figures.descent import cobweb_figure, valley_figure
from attenzione.figures.experts import load_figure
from attenzione.figures.families import changes_figure, sight_figure
from attenzione.figures.gradients import gradient_figure, layer_gradients, residual_gradients
from attenzione.figures.initialisation import initialisation_figure
from attenzione.figures.learning import learn_previous, learning_film, learning_frames, separation_figure
from attenzione.figures.lengths import lengths_figure, position_weights_figure
from attenzione.figures.neighbours import neighbours_figure
from attenzione.figures.positions import position_map, position_products, position_waves, wavelengths
from attenzione.figures.recall import recall_figure
from attenzione.figures.replay import replay_figure
from attenzione.figures.reward import reward_figure
from attenzione.figures.roofline import roofline_figure
from attenzione.figures.round_trip import round_trip_figure
from attenzione.figures.saturation import saturation_figure, softmax_saturation
from attenzione.figures.scaling import exam_figure, ladder_figure
from attenzione.figures.schedule import schedule_figure
from attenzione.figures.smoothing import smoothing_figure
from attenzione.figures.sparse import sparse_figure
from attenzione.figures.spending import spending_figure
from attenzione.figures.steps import (
    product_spread,
    score_map,
    softmax_steps,
    tensor_axes,
    weighted_sum_figure,
    weights_and_effects,
)
from attenzione.figures.style import attention_map, decimal_comma, use_style
from attenzione.figures.tiles import tiles_figure
from attenzione.figures.toy import depth_figure, letter_map

__all__ = [
    "adapting_figure",
    "attention_lines",
    "attention_map",
    "attention_of",
    "attention_panels",
    "beam_tree",
    "changes_figure",
    "cobweb_figure",
    "decimal_comma",
    "denoising_figure",
    "depth_figure",
    "exam_figure",
    "gradient_figure",
    "initialisation_figure",
    "ladder_figure",
    "layer_costs",
    "layer_gradients",
    "learn_previous",
    "learning_curve",
    "learning_film",
    "learning_frames",
    "lengths_figure",
    "letter_map",
    "load_figure",
    "longest_paths",
    "multi_head_figure",
    "neighbours_figure",
    "next_token_figure",
    "position_map",
    "position_products",
    "position_waves",
    "position_weights_figure",
    "product_spread",
    "recall_figure",
    "replay_figure",
    "residual_gradients",
    "reward_figure",
    "roofline_figure",
    "round_trip_figure",
    "saturation_figure",
    "scaled_dot_product_diagram",
    "schedule_figure",
    "score_map",
    "separation_figure",
    "sight_figure",
    "smoothing_figure",
    "softmax_saturation",
    "softmax_steps",
    "sparse_figure",
    "spending_figure",
    "tensor_axes",
    "tiles_figure",
    "transformer_diagram",
    "use_style",
    "valley_figure",
    "wavelengths",
    "weighted_sum_figure",
    "weights_and_effects",
    "width_figure",
]
