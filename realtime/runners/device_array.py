"""Arrays that stay where the model runs. The engine joins sessions with numpy's `concatenate` and parts them by rows; numpy hands
both over to whoever owns the array (NEP 18), so that a state never leaves the GPU between two frames."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


class DeviceArray:
    """A tensor, batch first, that can be joined, cut by rows, and read where it must be."""

    __slots__ = ("tensor",)

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor

    def __len__(self) -> int:
        return len(self.tensor)

    def __getitem__(self, rows: slice) -> "DeviceArray":
        return DeviceArray(self.tensor[rows])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        tensor = self.tensor.float() if self.tensor.is_floating_point() else self.tensor
        return np.asarray(tensor.cpu().numpy(), dtype)

    def __array_function__(
        self, function: Callable[..., Any], _types: object, arguments: Sequence[Any], _keywords: dict[str, Any]
    ) -> "DeviceArray":
        if function is np.concatenate:
            return DeviceArray(torch.cat([one.tensor for one in arguments[0]]))
        raise TypeError(f"numpy's {function.__name__} was asked of an array on a device: only concatenate and rows are offered")
