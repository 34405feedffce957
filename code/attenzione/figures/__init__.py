"""Le figure del libro: ogni funzione rende la figura, senza mostrarla."""

from .architecture import multi_head_figure, scaled_dot_product_diagram, transformer_diagram
from .style import attention_map, decimal_comma, use_style

__all__ = [
    "attention_map",
    "decimal_comma",
    "multi_head_figure",
    "scaled_dot_product_diagram",
    "transformer_diagram",
    "use_style",
]
