"""Forward, loss, backward, update: one small convolution with every number printed, and its gradient checked.

    python examples/backprop_step_by_step.py

An image of 4 x 4 px shows a bright diagonal. One kernel of 2 x 2 looks at it; ReLU and the mean over the map make one
number of that (the logit), and the sigmoid makes a probability. The label is 1. One step is taken, and the loss falls.
"""

import math

import numpy as np

from ridgefeat.nn import SGD, Conv2D, GlobalAveragePool, ReLU, Sequential

RATE = 0.5
IMAGE = np.array([[1.0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
KERNEL = np.array([[0.5, -0.3], [0.2, 0.1]])


def main() -> None:
    np.set_printoptions(precision=4, suppress=True)
    kernel, bias, label = KERNEL.copy(), 0.05, 1

    print("1. Forward\n\nThe image:", IMAGE, "The kernel (bias 0.05):", kernel, sep="\n")
    z = correlate(IMAGE, kernel) + bias
    print("\nIts window slides over the image: z[y, x] = bias + sum of image[y + i, x + j] * kernel[i, j].")
    print(f"For z[0, 0]: 0.05 + 1 * 0.5 + 0 * -0.3 + 0 * 0.2 + 1 * 0.1 = {z[0, 0]:.4f}. All of it:", z, sep="\n")
    a = np.maximum(z, 0)
    print("\nReLU keeps what is above zero:", a, sep="\n")
    logit = a.mean()
    p = 1 / (1 + math.exp(-logit))
    print(f"\nThe mean over the map is the logit, {logit:.4f}; sigmoid makes the probability {p:.4f} of it.")

    print("\n2. Loss\n")
    loss = -math.log(p)
    print(f"The label is {label}, so the loss is -log({p:.4f}) = {loss:.4f}. It would be 0 for a probability of 1.")

    print("\n3. Backward: how much would the loss change, if ...\n")
    d_logit = p - label
    print(f"... the logit grew by a little: p - label = {d_logit:.4f} times as much. Growing would be good.")
    d_a = np.full(z.shape, d_logit / z.size)
    print(f"... one of the {z.size} values of the map grew: the mean gives each 1/{z.size} of that, {d_a[0, 0]:.4f}.")
    d_z = np.where(z > 0, d_a, 0)
    print("... a value before ReLU grew: the same where it was above zero, nothing elsewhere:", d_z, sep="\n")
    d_kernel, d_bias = correlate(IMAGE, d_z), d_z.sum()
    print("\n... a weight of the kernel grew: it was multiplied with a pixel in each of the windows, so that its part")
    print(
        "is sum of image[y + i, x + j] * d_z[y, x]. That is the image under a sliding window again: d_z is the window."
    )
    print(d_kernel, f"and for the bias, which every window adds: {d_bias:.4f}", sep="\n")
    d_image = correlate(np.pad(d_z, 1), kernel[::-1, ::-1])
    print(
        "\n... a pixel grew: d_z with zeros around, under the kernel turned by 180 degrees. A layer below would go on"
    )
    print("from here; without one, it shows which pixels moved the answer:", d_image, sep="\n")

    print("\n4. The check: change a weight by 0.00001 both ways, and see what the loss does\n")
    for i, j in np.ndindex(kernel.shape):
        step = np.zeros_like(kernel)
        step[i, j] = 1e-5
        slope = (loss_of(kernel + step, bias) - loss_of(kernel - step, bias)) / 2e-5
        print(f"   kernel[{i}, {j}]: {slope:+.8f} measured, {d_kernel[i, j]:+.8f} calculated")
        assert abs(slope - d_kernel[i, j]) < 1e-8

    print(f"\n5. Update: each weight a step of {RATE} against its gradient\n")
    kernel -= RATE * d_kernel
    bias -= RATE * d_bias
    print("The kernel now:", kernel, f"and the bias {bias:.4f}. The loss: {loss:.4f} before,", sep="\n")
    print(f"{loss_of(kernel, bias):.4f} after.")
    assert loss_of(kernel, bias) < loss

    print("\n6. The same with ridgefeat.nn\n")
    model = Sequential([Conv2D(1, 2), ReLU(), GlobalAveragePool()], (4, 4, 1), loss="sigmoid", dtype=np.float64)
    model.set_weights({"conv2d_1/kernel": KERNEL[:, :, None, None], "conv2d_1/bias": np.array([0.05])})
    print(model.summary(), "\n")
    found, _ = model.train_step(IMAGE[None, :, :, None], np.array([label]), SGD(RATE))
    print(f"Its loss is {found:.4f}, and its kernel after the step:")
    print(model.params["conv2d_1/kernel"][:, :, 0, 0])
    np.testing.assert_allclose(model.params["conv2d_1/kernel"][:, :, 0, 0], kernel)


def correlate(image: np.ndarray, window: np.ndarray) -> np.ndarray:
    """Multiply and sum at each place of the window."""
    return np.einsum("yxij,ij->yx", np.lib.stride_tricks.sliding_window_view(image, window.shape), window)


def loss_of(kernel: np.ndarray, bias: float) -> float:
    """The whole way forward in one line, for the check."""
    return math.log1p(math.exp(-np.maximum(correlate(IMAGE, kernel) + bias, 0).mean()))


if __name__ == "__main__":
    main()
