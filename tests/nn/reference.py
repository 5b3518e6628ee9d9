"""Each operation once more, in plain loops that read like the formula. Slow, and what the fast ones are held to.

Images are (n, rows, columns, channels) as everywhere in `nn`. Gradients of the loss L are named d_...: d_out is
dL/d(out), and a backward function returns dL by each of the operation's inputs, by the chain rule:
d_in = sum of d_out * d(out)/d(in).
"""

from collections.abc import Iterator
from itertools import product
from math import exp, log, sqrt

import numpy as np

from ridgefeat.nn.layer import Array

Pair = tuple[int, int]
Place = tuple[int, int, int, int]
Pads = tuple[Pair, Pair]
NO_PADS: Pads = ((0, 0), (0, 0))


def pad(x: Array, pads: Pads) -> Array:
    """Put zeros around images."""
    return np.pad(x, ((0, 0), *pads, (0, 0)))


def conv2d(x: Array, kernel: Array, bias: Array, stride: Pair = (1, 1), pads: Pads = NO_PADS) -> Array:
    """out[n, y, x, f] = bias[f] + sum_ijc padded[n, y sy + i, x sx + j, c] * kernel[i, j, c, f]."""
    padded, (kh, kw, channels, filters) = pad(x, pads), kernel.shape
    rows, columns = (padded.shape[1] - kh) // stride[0] + 1, (padded.shape[2] - kw) // stride[1] + 1
    out = np.zeros((len(x), rows, columns, filters), x.dtype)
    for n, y, q, f in product(*map(range, out.shape)):
        total = bias[f]
        for i, j, c in product(range(kh), range(kw), range(channels)):
            total += padded[n, y * stride[0] + i, q * stride[1] + j, c] * kernel[i, j, c, f]
        out[n, y, q, f] = total
    return out


def conv2d_backward(
    x: Array, kernel: Array, d_out: Array, stride: Pair = (1, 1), pads: Pads = NO_PADS
) -> tuple[Array, Array, Array]:
    """Return d_x, d_kernel, d_bias: each product of the forward sum gives its part to both its factors.

    d_kernel[i, j, c, f] = sum_nyx padded[n, y sy + i, x sx + j, c] * d_out[n, y, x, f]
    d_padded[n, y sy + i, x sx + j, c] = sum of kernel[i, j, c, f] * d_out[n, y, x, f], over all that reach it.
    """
    padded = pad(x, pads)
    d_padded, d_kernel, d_bias = np.zeros_like(padded), np.zeros_like(kernel), np.zeros_like(kernel[0, 0, 0])
    kh, kw, channels, _ = kernel.shape
    for n, y, q, f in product(*map(range, d_out.shape)):
        d_bias[f] += d_out[n, y, q, f]
        for i, j, c in product(range(kh), range(kw), range(channels)):
            row, column = y * stride[0] + i, q * stride[1] + j
            d_kernel[i, j, c, f] += padded[n, row, column, c] * d_out[n, y, q, f]
            d_padded[n, row, column, c] += kernel[i, j, c, f] * d_out[n, y, q, f]
    (top, _), (left, _) = pads
    return d_padded[:, top : top + x.shape[1], left : left + x.shape[2]], d_kernel, d_bias


def _windows(x: Array, window: Pair, stride: Pair) -> Iterator[tuple[Place, list[Place]]]:
    """Yield the place (n, y, x, c) of each output of a pool, and the places of its window's pixels, row by row."""
    for n, y, q, c in product(*map(range, _pool_shape(x, window, stride))):
        places = product(range(window[0]), range(window[1]))
        yield (n, y, q, c), [(n, y * stride[0] + i, q * stride[1] + j, c) for i, j in places]


def _pool_shape(x: Array, window: Pair, stride: Pair) -> Place:
    rows, columns = (x.shape[1] - window[0]) // stride[0] + 1, (x.shape[2] - window[1]) // stride[1] + 1
    return len(x), rows, columns, x.shape[3]


def max_pool(x: Array, window: Pair, stride: Pair) -> Array:
    """Give each output its window's largest pixel."""
    out = np.zeros(_pool_shape(x, window, stride), x.dtype)
    for place, pixels in _windows(x, window, stride):
        out[place] = max(x[p] for p in pixels)
    return out


def max_pool_backward(x: Array, d_out: Array, window: Pair, stride: Pair) -> Array:
    """d_x gets d_out at the window's largest pixel (of equals the first), and nothing elsewhere."""
    d_x = np.zeros_like(x)
    for place, pixels in _windows(x, window, stride):
        d_x[max(pixels, key=lambda p: x[p])] += d_out[place]
    return d_x


def average_pool(x: Array, window: Pair, stride: Pair) -> Array:
    """Give each output the mean of its window's k pixels."""
    out = np.zeros(_pool_shape(x, window, stride), x.dtype)
    for place, pixels in _windows(x, window, stride):
        out[place] = sum(x[p] for p in pixels) / len(pixels)
    return out


def average_pool_backward(x: Array, d_out: Array, window: Pair, stride: Pair) -> Array:
    """Each of a window's k pixels gets d_out / k."""
    d_x = np.zeros_like(x)
    for place, pixels in _windows(x, window, stride):
        for p in pixels:
            d_x[p] += d_out[place] / len(pixels)
    return d_x


def global_average_pool(x: Array) -> Array:
    """out[n, c] = the mean of x[n, y, x, c] over y, x: an average pool whose window is the image."""
    return average_pool(x, x.shape[1:3], x.shape[1:3])[:, 0, 0]


def global_average_pool_backward(x: Array, d_out: Array) -> Array:
    """Each pixel gets its equal part of d_out."""
    return average_pool_backward(x, d_out[:, None, None], x.shape[1:3], x.shape[1:3])


def batch_norm(x: Array, gamma: Array, beta: Array, epsilon: float) -> tuple[Array, Array, Array]:
    """Return out = gamma (x - mean) / sqrt(variance + epsilon) + beta, mean and variance; one channel at a time."""
    out, mean, variance = np.zeros_like(x), np.zeros_like(gamma), np.zeros_like(gamma)
    for c in range(len(gamma)):
        values = x[..., c].ravel()
        mean[c] = sum(values) / len(values)
        variance[c] = sum((v - mean[c]) ** 2 for v in values) / len(values)
        out[..., c] = gamma[c] * (x[..., c] - mean[c]) / sqrt(variance[c] + epsilon) + beta[c]
    return out, mean, variance


def batch_norm_backward(x: Array, gamma: Array, d_out: Array, epsilon: float) -> tuple[Array, Array, Array]:
    """Return d_x, d_gamma, d_beta, through out = gamma h + beta, h = (x - mean) (variance + eps)^-1/2."""
    d_x, d_gamma, d_beta = np.zeros_like(x), np.zeros_like(gamma), np.zeros_like(gamma)
    for c in range(len(gamma)):
        values, d = x[..., c].ravel(), d_out[..., c].ravel()
        m, mean = len(values), values.mean()
        s = 1 / sqrt(((values - mean) ** 2).mean() + epsilon)
        for k in range(m):
            d_gamma[c] += d[k] * (values[k] - mean) * s
            d_beta[c] += d[k]
        d_h = gamma[c] * d
        # ds/d(variance) = -s^3 / 2; d(variance)/dx = 2 (x - mean) / m; d(mean)/dx = 1 / m.
        d_variance = sum(d_h[k] * (values[k] - mean) for k in range(m)) * -(s**3) / 2
        d_mean = -s * sum(d_h)
        flat = [d_h[k] * s + d_variance * 2 * (values[k] - mean) / m + d_mean / m for k in range(m)]
        d_x[..., c] = np.reshape(flat, x.shape[:-1])
    return d_x, d_gamma, d_beta


def batch_norm_inference(x: Array, gamma: Array, beta: Array, mean: Array, variance: Array, epsilon: float) -> Array:
    """Return the same with statistics that are given, not the batch's."""
    out = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        c = index[-1]
        out[index] = gamma[c] * (x[index] - mean[c]) / sqrt(variance[c] + epsilon) + beta[c]
    return out


def relu(x: Array) -> Array:
    """out = max(0, x)."""
    return np.array([max(0.0, v) for v in x.ravel()], x.dtype).reshape(x.shape)


def relu_backward(x: Array, d_out: Array) -> Array:
    """d_x = d_out where x > 0, else 0."""
    each = [d if v > 0 else 0.0 for v, d in zip(x.flat, d_out.flat, strict=True)]
    return np.array(each, x.dtype).reshape(x.shape)


def dropout(x: Array, kept: Array, rate: float) -> Array:
    """out = x / (1 - rate) where kept, else 0; the gradient goes the same way (`dropout(d_out, kept, rate)`)."""
    flat = [v / (1 - rate) if k else 0.0 for v, k in zip(x.flat, kept.flat, strict=True)]
    return np.array(flat, x.dtype).reshape(x.shape)


def flatten(x: Array) -> Array:
    """out[n, (y * columns + x) * channels + c] = x[n, y, x, c]."""
    _, _, columns, channels = x.shape
    out = np.zeros((len(x), x[0].size), x.dtype)
    for n, y, q, c in product(*map(range, x.shape)):
        out[n, (y * columns + q) * channels + c] = x[n, y, q, c]
    return out


def dense(x: Array, kernel: Array, bias: Array) -> Array:
    """out[n, f] = bias[f] + sum_k x[n, k] * kernel[k, f]."""
    out = np.zeros((len(x), len(bias)), x.dtype)
    for n, f in product(range(len(x)), range(len(bias))):
        out[n, f] = bias[f] + sum(x[n, k] * kernel[k, f] for k in range(len(kernel)))
    return out


def dense_backward(x: Array, kernel: Array, d_out: Array) -> tuple[Array, Array, Array]:
    """Return d_x, d_kernel, d_bias: d_x[n, k] = sum_f d_out[n, f] kernel[k, f], and so on."""
    d_x, d_kernel, d_bias = np.zeros_like(x), np.zeros_like(kernel), np.zeros_like(kernel[0])
    for n, f in product(range(len(x)), range(kernel.shape[1])):
        d_bias[f] += d_out[n, f]
        for k in range(len(kernel)):
            d_kernel[k, f] += x[n, k] * d_out[n, f]
            d_x[n, k] += kernel[k, f] * d_out[n, f]
    return d_x, d_kernel, d_bias


def softmax_cross_entropy(logits: Array, truth: Array, weight: Array) -> tuple[float, Array]:
    """Loss = mean of weight * -log p[true], p = exp(z) / sum(exp(z)); d_z[k] = weight (p[k] - [k is true]) / n."""
    loss, d_logits, n = 0.0, np.zeros_like(logits), len(logits)
    for r in range(n):
        e = [exp(z - max(logits[r])) for z in logits[r]]
        p = [v / sum(e) for v in e]
        loss -= weight[r] * log(p[truth[r]]) / n
        for k in range(len(p)):
            d_logits[r, k] = weight[r] * (p[k] - (k == truth[r])) / n
    return loss, d_logits


def sigmoid_cross_entropy(logits: Array, truth: Array, weight: Array) -> tuple[float, Array]:
    """Loss = mean of weight * -(t log p + (1 - t) log(1 - p)), p = 1 / (1 + exp(-z)); d_z = weight (p - t) / n."""
    loss, d_logits, n = 0.0, np.zeros_like(logits), len(logits)
    for r in range(n):
        p = 1 / (1 + exp(-logits[r, 0]))
        loss -= weight[r] * (truth[r] * log(p) + (1 - truth[r]) * log(1 - p)) / n
        d_logits[r, 0] = weight[r] * (p - truth[r]) / n
    return loss, d_logits


def l2(kernel: Array, strength: float) -> tuple[float, Array]:
    """Loss = strength * sum of squares; d_kernel = 2 * strength * kernel."""
    return strength * sum(float(v) ** 2 for v in kernel.flat), 2 * strength * kernel


def sgd(param: float, grad: float, velocity: float, rate: float, momentum: float) -> tuple[float, float]:
    """Return the parameter and velocity = momentum * velocity - rate * grad after a step."""
    velocity = momentum * velocity - rate * grad
    return param + velocity, velocity


def adam(
    param: float, grad: float, m: float, v: float, t: int, rate: float, beta1: float, beta2: float, epsilon: float
) -> tuple[float, float, float]:
    """Return the parameter, m and v after step t (from 1)."""
    m = beta1 * m + (1 - beta1) * grad
    v = beta2 * v + (1 - beta2) * grad**2
    rate *= sqrt(1 - beta2**t) / (1 - beta1**t)
    return param - rate * m / (sqrt(v) + epsilon), m, v
