"""Le figure del libro: ogni funzione rende la figura, senza mostrarla."""

from .architecture import multi_head_figure, scaled_dot_product_diagram, transformer_diagram
from .attention_lines import attention_lines, attention_of, attention_panels
from .complexity import layer_costs, longest_paths
from .gradients import gradient_figure, layer_gradients, residual_gradients
from .positions import position_map, position_products, position_waves, wavelengths
from .replay import replay_figure
from .saturation import saturation_figure, softmax_saturation
from .schedule import schedule_figure
from .smoothing import smoothing_figure
from .style import attention_map, decimal_comma, use_style

__all__ = [
    "attention_lines",
    "attention_map",
    "attention_of",
    "attention_panels",
    "decimal_comma",
    "gradient_figure",
    "layer_costs",
    "layer_gradients",
    "longest_paths",
    "multi_head_figure",
    "position_map",
    "position_products",
    "position_waves",
    "replay_figure",
    "residual_gradients",
    "saturation_figure",
    "scaled_dot_product_diagram",
    "schedule_figure",
    "smoothing_figure",
    "softmax_saturation",
    "transformer_diagram",
    "use_style",
    "wavelengths",
]
