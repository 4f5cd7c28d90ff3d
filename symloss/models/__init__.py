"""The networks that losses are trained with: a registry of names with parameters, and how a name becomes a network.

Importing this imports no torch; building does.

Example:
    >>> network = build("resnet18(head=paper, upsample=3)", shape=(3, 32, 32), classes=10, seed=0)
    >>> logits = outputs_of(network(images)).logits
"""

from symloss.models.building import build
from symloss.models.model import Model, Parameter, Request, spelling
from symloss.models.outputs import Outputs, outputs_of
from symloss.models.registry import MODELS, OWN_MODELS, Chosen, canonical, check, parse
from symloss.models.small import SMALL
from symloss.models.weights import initial_weights

__all__ = [
    "MODELS",
    "OWN_MODELS",
    "SMALL",
    "Chosen",
    "Model",
    "Outputs",
    "Parameter",
    "Request",
    "build",
    "canonical",
    "check",
    "initial_weights",
    "outputs_of",
    "parse",
    "spelling",
]
