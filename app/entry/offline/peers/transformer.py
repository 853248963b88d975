"""The network of SASRec and its loss, on JAX; only in the peers' environment."""

from collections.abc import Callable
from typing import Any, TypeAlias

import jax
from jax import numpy as jnp

from app.entry.offline.peers.peer import Parameters

Array: TypeAlias = Any
"""An array of JAX, or a tree of them."""


def initial(key: Array, items: int, parameters: Parameters) -> Array:
    width, keys = parameters["width"], iter(jax.random.split(key, 64))

    def normal(*shape: int) -> Array:
        return jax.random.truncated_normal(next(keys), -2, 2, shape) * shape[-1] ** -0.5

    def scale() -> Array:
        return {"scale": jnp.ones(width), "shift": jnp.zeros(width)}

    blocks = [
        {
            "attention": scale(),
            "inputs": normal(width, 3 * width),
            "output": normal(width, width),
            "forward": scale(),
            "widen": normal(width, 4 * width),
            "narrow": normal(4 * width, width),
        }
        for _ in range(parameters["blocks"])
    ]
    places = normal(parameters["length"], width)
    return {"items": normal(items + 1, width), "places": places, "blocks": blocks, "final": scale()}


def hidden(weights: Array, batch: Array, key: Array, parameters: Parameters) -> Array:
    """Returns the states after each item, shape (sequences, length, width); without dropout if `key` is None."""
    length, width, heads = batch.shape[1], parameters["width"], parameters["heads"]
    keys = iter(jax.random.split(key, 32)) if key is not None else None

    def dropped(values: Array) -> Array:
        if keys is None:
            return values
        kept = jax.random.bernoulli(next(keys), 1.0 - parameters["dropout"], values.shape)
        return jnp.where(kept, values / (1.0 - parameters["dropout"]), 0.0)

    def normalized(values: Array, scale: Array) -> Array:
        centered = values - values.mean(axis=-1, keepdims=True)
        return (
            centered * jax.lax.rsqrt((centered**2).mean(axis=-1, keepdims=True) + 1e-6) * scale["scale"]
            + scale["shift"]
        )

    present = batch > 0
    visible = jnp.tril(jnp.ones((length, length), bool))[None, None] & present[:, None, None, :]
    state = dropped(weights["items"][batch] * width**0.5 + weights["places"][-length:])
    for block in weights["blocks"]:
        parts = normalized(state, block["attention"]) @ block["inputs"]
        queries, names, values = jnp.moveaxis(parts.reshape(len(batch), length, 3, heads, -1), 2, 0)
        logits = jnp.einsum("bqhd,bkhd->bhqk", queries, names) * (width // heads) ** -0.5
        attention = dropped(jax.nn.softmax(jnp.where(visible, logits, -1e9)))
        mixed = jnp.einsum("bhqk,bkhd->bqhd", attention, values).reshape(state.shape)
        state += dropped(mixed @ block["output"])
        state += dropped(jax.nn.gelu(normalized(state, block["forward"]) @ block["widen"]) @ block["narrow"])
    return normalized(state, weights["final"])


def loss(weights: Array, batch: Array, negatives: Array, key: Array, parameters: Parameters) -> Array:
    """Returns the mean cross-entropy of each next item against all items, or against a sample."""
    inputs, targets = batch
    states = hidden(weights, inputs, key, parameters)
    own = (states * weights["items"][targets]).sum(axis=-1)
    if negatives is None:
        total = jax.nn.logsumexp(states @ weights["items"][1:].T, axis=-1)
    else:
        others = jnp.where(negatives == targets[..., None], -jnp.inf, states @ weights["items"][negatives].T)
        total = jnp.logaddexp(own, jax.nn.logsumexp(others, axis=-1))
    counted = targets > 0
    return ((total - own) * counted).sum() / counted.sum()


def step(optimizer: Array, parameters: Parameters) -> Callable[..., tuple[Array, Array]]:
    """Returns a function of weights, state, batch, negatives and key that takes one step of the optimizer."""

    def take(weights: Array, state: Array, batch: Array, negatives: Array, key: Array) -> tuple[Array, Array]:
        gradients = jax.grad(loss)(weights, batch, negatives, key, parameters)
        updates, state = optimizer.update(gradients, state)
        return jax.tree.map(jnp.add, weights, updates), state

    return take


def last(parameters: Parameters) -> Callable[[Array, Array], Array]:
    """Returns a function of weights and histories that scores what comes after each."""
    return lambda weights, batch: hidden(weights, batch, None, parameters)[:, -1] @ weights["items"][1:].T
