"""What every class-wise loss shares, whatever its formula. It needs torch alone, and exported files carry a copy of it.

``probabilities`` computes what formulas read, ``autograd_path`` differentiates through torch, ``fused`` computes value
and gradient together, ``inputs`` checks what it is given, and ``module`` is the ``nn.Module``.
"""

from symloss.codegen.kernel.module import ClassWiseLoss
from symloss.codegen.kernel.probabilities import Curves

__all__ = ["ClassWiseLoss", "Curves"]
