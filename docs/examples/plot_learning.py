"""
A small net, trained by a recipe
================================

`graben.learning` holds small nets, a `Recipe` that says how to train, and one `fit`. The net here
learns to tell ridges that run east from ridges that run north.
"""

# %%
# Four hundred noisy pictures; the label is 1 where the stripes run along x.
import matplotlib.pyplot as plt
import numpy as np

from graben.learning import Recipe, TensorSamples, fit, predict
from graben.learning.nets import ConvNet, ConvNetConfig, Convolution

random = np.random.default_rng(0)
label = random.integers(0, 2, 400)
wave = np.sin(np.arange(16) + random.uniform(0, 6, (400, 1)))
ridges = np.where(
    label[:, None, None] == 1,
    np.repeat(wave[:, :, None], 16, axis=2),
    np.repeat(wave[:, None, :], 16, axis=1),
)
pictures = (ridges + random.normal(0, 1.5, ridges.shape))[:, None]
training, validation, test = (
    TensorSamples(pictures[part], label[part, None])
    for part in (slice(0, 200), slice(200, 300), slice(300, 400))
)

# %%
# Training stops when the validation loss has not improved for `patience` epochs, and the best
# weights are kept. The same recipe gives the same weights again.
layers = (Convolution(8, pool="max"),)
net = ConvNet(ConvNetConfig(1, layers, dense=(16,), size=16))
recipe = Recipe(max_epochs=40, patience=5)
history = fit(net, training, validation, "cross-entropy", recipe)
right = (predict(net, test)[:, 0] > 0) == (label[300:] == 1)
print(f"right on {right.mean():.0%} of the pictures it never saw")

# %%
# Epoch 0 is the untouched net, whose loss is that of a tossed coin, log 2.
figure, axes = plt.subplots(figsize=(8, 3.5), layout="constrained")
axes.plot(history.validation, color="#8a3d14", label="validation")
epochs = range(1, len(history.train_loss) + 1)
axes.plot(epochs, history.train_loss, "k--", label="training")
axes.axhline(np.log(2), color="gray", linewidth=0.8)
axes.axvline(history.best_epoch, color="gray", linewidth=0.8)
axes.set(xlabel="epoch", ylabel="cross-entropy, nats")
axes.legend()
plt.show()
