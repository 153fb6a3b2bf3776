"""
Two forecasts with the same AUC
===============================

One of the two forecasts here is honest, the other exaggerates. They rank the samples alike, so the
area under the ROC curve cannot tell them apart; information gain and reliability can.
"""

# %%
# Ten years of samples with known probabilities, which the second forecast drives to extremes.
import matplotlib.pyplot as plt
import numpy as np

from graben.evaluation import AUC, InformationGain, paired_gain, reliability, time_blocks

random = np.random.default_rng(0)
times = np.datetime64("2015-01-01") + np.arange(0, 3650, 0.5).astype("timedelta64[D]")
honest = random.beta(0.5, 4.5, times.size).clip(1e-4, 1 - 1e-4)
outcome = random.random(times.size) < honest
odds = (honest / (1 - honest)) ** 2
loud = odds / (1 + odds)

for name, forecast in (("honest", honest), ("loud", loud)):
    area = AUC().compute(forecast, outcome)
    gain = InformationGain().compute(forecast, outcome)
    print(f"{name:6}  AUC {area:.3f}  information gain {1000 * gain:+.0f} mnat per sample")

# %%
# Is the difference more than luck? The samples of half a year stay together in the bootstrap.
loss_honest, loss_loud = (
    -np.log(np.where(outcome, forecast, 1 - forecast)) for forecast in (honest, loud)
)
lead = paired_gain(loss_honest, loss_loud, np.ones(times.size), time_blocks(times))
print(f"honest over loud: {lead.value:.3f} [{lead.low:.3f}, {lead.high:.3f}] nats per sample")

# %%
# On the diagonal, what was said is what happened.
figure, axes = plt.subplots(figsize=(5, 4.6), layout="constrained")
axes.plot([0, 1], [0, 1], color="gray", linewidth=0.8)
for name, forecast, color in (("honest", honest, "#8a3d14"), ("loud", loud, "#22638a")):
    curve = reliability(forecast, outcome, edges=np.linspace(0, 1, 8))
    axes.plot(curve.expected, curve.observed, "o-", color=color, label=name)
axes.set(xlabel="mean probability", ylabel="share that happened", aspect=1)
axes.legend()
plt.show()
