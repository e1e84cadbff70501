"""Every kind of projection, and which populations it fits."""

from __future__ import annotations

from typing import Any

from hw_models.errors import NameClashError, RangeError, ShapeError
from hw_models.projections.image import ConvProjection, PoolProjection
from hw_models.projections.matrix import DenseProjection, SparseProjection

Projection = DenseProjection | SparseProjection | ConvProjection | PoolProjection


def check_ends(projection: Projection, source: Any, target: Any) -> None:
    """Raise if a projection does not fit the populations at its ends.

    Raises
    ------
    ShapeError, RangeError, NameClashError
    """
    if not hasattr(target, "threshold"):
        raise NameClashError(f"{projection.name}: target {target.name!r} is an input population")
    if isinstance(projection, DenseProjection):
        needed = (target.n_neurons, source.n_neurons)
        if projection.weights.shape != needed:
            raise ShapeError(
                f"{projection.name}.weights: shape {projection.weights.shape};"
                f" {needed} = (n_post, n_pre) is needed"
            )
    elif isinstance(projection, SparseProjection):
        for field, size in (("pre", source.n_neurons), ("post", target.n_neurons)):
            column = getattr(projection, field)
            if column.size and int(column.max()) >= size:
                index = int(column.argmax())
                raise RangeError(
                    f"{projection.name}.{field}: value {int(column[index])} at index ({index},);"
                    f" allowed 0..{size - 1}"
                )
    else:
        made = projection.output_shape(source.shape)
        if made != target.shape:
            raise ShapeError(
                f"{projection.name}: makes shape {made} of {source.shape};"
                f" target {target.name!r} has {target.shape}"
            )
