"""A help desk's half of Deskmesh ticket sharing, over the gateway's HTTP API."""

from .client import Answer, Client, Problem, Unreachable, https
from .deliveries import Deliveries, fresh_state
from .model import Model, Ticket
from .store import Store
from .webhook import WebhookError, verify

__all__ = [
    "Answer",
    "Client",
    "Deliveries",
    "Model",
    "Problem",
    "Store",
    "Ticket",
    "Unreachable",
    "WebhookError",
    "fresh_state",
    "https",
    "verify",
]
