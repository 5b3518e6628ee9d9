"""
Convolution and backpropagation by hand
=======================================

Forward, loss, backward, update: one small convolution with every number printed, and its gradient checked.

**Question.** How does a network know in which direction to change a weight?

It takes a second: ``python examples/backprop_step_by_step.py``.
"""

import math

import matplotlib.pyplot as plt
import numpy as np

from ridgefeat.nn import SGD, Conv2D, GlobalAveragePool, ReLU, Sequential

np.set_printoptions(precision=4, suppress=True)

# %%
# An image of 4 × 4 px shows a bright diagonal. One kernel of 2 × 2 looks at it. ReLU and the mean over the map make one
# number of that, the logit, and the sigmoid makes a probability. The label is 1.

IMAGE = np.array([[1.0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
KERNEL, BIAS, LABEL, RATE = np.array([[0.5, -0.3], [0.2, 0.1]]), 0.05, 1, 0.5


def correlate(image, window):
    """Multiply and sum at each place of the window."""
    return np.einsum("yxij,ij->yx", np.lib.stride_tricks.sliding_window_view(image, window.shape), window)


# %%
# 1. Forward
# ----------
# The window slides over the image: ``z[y, x] = bias + sum of image[y + i, x + j] * kernel[i, j]``.

z = correlate(IMAGE, KERNEL) + BIAS
print(f"z[0, 0] = 0.05 + 1 * 0.5 + 0 * -0.3 + 0 * 0.2 + 1 * 0.1 = {z[0, 0]:.4f}. All of it:", z, sep="\n")

# %%
# ReLU keeps what is above zero. The mean is the logit, and the sigmoid makes a probability of it.

a = np.maximum(z, 0)
logit = a.mean()
p = 1 / (1 + math.exp(-logit))
print("after ReLU:", a, f"logit {logit:.4f}, probability {p:.4f}", sep="\n")

# %%
# 2. Loss
# -------
# It is the negative logarithm of the probability of the true label, and 0 for a probability of 1.

loss = -math.log(p)
print(f"loss = -log({p:.4f}) = {loss:.4f}")

# %%
# 3. Backward
# -----------
# Go back from the loss and ask at each step: how much does the loss change if this number grows a little? For the
# logit, the answer is the probability less the label. It is negative, so a larger logit would reduce the loss.

d_logit = p - LABEL
print(f"logit: {p:.4f} - {LABEL} = {d_logit:.4f}")

# %%
# The mean gives each of the nine values of the map a ninth of that. ReLU passes it on where its input was above zero.

d_a = np.full(z.shape, d_logit / z.size)
d_z = np.where(z > 0, d_a, 0)
print(f"each value of the map: {d_a[0, 0]:.4f}; before ReLU:", d_z, sep="\n")

# %%
# A weight was multiplied with one pixel of each window. So its part is ``sum of image[y + i, x + j] * d_z[y, x]``. That
# is a convolution again, with ``d_z`` as the window. The bias was added to every window.

d_kernel, d_bias = correlate(IMAGE, d_z), d_z.sum()
print("kernel:", d_kernel, f"bias: {d_bias:.4f}", sep="\n")

# %%
# For a pixel, ``d_z`` with zeros around it meets the kernel turned by 180 degrees. A layer below would go on from here.
# Without one, it shows which pixels moved the answer.

d_image = correlate(np.pad(d_z, 1), KERNEL[::-1, ::-1])
print("pixels:", d_image, sep="\n")

_, axes = plt.subplots(1, 4, figsize=(10, 2.7), layout="constrained")
for ax, (title, shown) in zip(
    axes, {"image": IMAGE, "z": z, "after ReLU": a, "loss by pixel": d_image}.items(), strict=True
):
    ax.imshow(shown, cmap="RdBu_r", vmin=-np.abs(shown).max(), vmax=np.abs(shown).max())
    for (y, x), value in np.ndenumerate(shown):
        strong = abs(value) > 0.6 * np.abs(shown).max()
        ax.text(x, y, f"{value:.2f}", ha="center", va="center", fontsize=8, color="white" if strong else "black")
    ax.set_title(title)
    ax.axis("off")
plt.show()

# %%
# 4. Check
# --------
# Change each weight by 0.00001 both ways, and measure the loss.


def loss_of(kernel, bias):
    """The whole way forward in one line."""
    return math.log1p(math.exp(-np.maximum(correlate(IMAGE, kernel) + bias, 0).mean()))


for i, j in np.ndindex(KERNEL.shape):
    step = np.zeros_like(KERNEL)
    step[i, j] = 1e-5
    slope = (loss_of(KERNEL + step, BIAS) - loss_of(KERNEL - step, BIAS)) / 2e-5
    print(f"kernel[{i}, {j}]: {slope:+.8f} measured, {d_kernel[i, j]:+.8f} calculated")
    assert abs(slope - d_kernel[i, j]) < 1e-8

# %%
# 5. Update
# ---------
# Each weight takes a step against its gradient, and the loss falls.

kernel, bias = KERNEL - RATE * d_kernel, BIAS - RATE * d_bias
print("kernel:", kernel, f"bias: {bias:.4f}; loss: {loss:.4f} before, {loss_of(kernel, bias):.4f} after", sep="\n")
assert loss_of(kernel, bias) < loss

# %%
# 6. The same with ridgefeat.nn
# -----------------------------

model = Sequential([Conv2D(1, 2), ReLU(), GlobalAveragePool()], (4, 4, 1), loss="sigmoid", dtype=np.float64)
model.set_weights({"conv2d_1/kernel": KERNEL[:, :, None, None], "conv2d_1/bias": np.array([BIAS])})
print(model.summary(), "\n")
found, _ = model.train_step(IMAGE[None, :, :, None], np.array([LABEL]), SGD(RATE))
print(f"loss {found:.4f}, kernel after the step:", model.params["conv2d_1/kernel"][:, :, 0, 0], sep="\n")
np.testing.assert_allclose(model.params["conv2d_1/kernel"][:, :, 0, 0], kernel)

# %%
# Exercise
# --------
# 1. Why is the gradient of ``kernel[0, 1]`` exactly zero? Find the pixels that it meets where ``z`` is positive.
# 2. Repeat the update a hundred times. Towards which kernel does it go?

# %%
# Answer
# ------
# 1. The weight at the top right meets bright pixels only in windows below the diagonal. There ``z`` is negative, ReLU
#    passes nothing on, and the weight does not learn. Such a *dead* unit is the price of ReLU.
# 2. Its diagonal grows most: a filter begins to look like what it should find. The bias grows as well, because with one
#    image a larger logit is always better. More images, of both classes, would stop that.

for _ in range(100):
    z = correlate(IMAGE, kernel) + bias
    d_z = np.where(z > 0, (1 / (1 + math.exp(-np.maximum(z, 0).mean())) - LABEL) / z.size, 0)
    kernel, bias = kernel - RATE * correlate(IMAGE, d_z), bias - RATE * d_z.sum()
print(kernel, f"bias {bias:.2f}, loss {loss_of(kernel, bias):.4f}", sep="\n")
