"""How good a forecast is: scores, splits, calibration and honest comparison."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "scores": [
            "AUC",
            "Accuracy",
            "AveragePrecision",
            "Brier",
            "BrierSkill",
            "ExpectedOverObserved",
            "F1",
            "InformationGain",
            "LogLoss",
            "MolchanArea",
            "Precision",
            "Recall",
            "Score",
        ],
        "splits": ["LabelWindows", "Leak", "SpaceBlocks", "TimeSplit", "leak_check"],
        "calibration": [
            "Molchan",
            "Reliability",
            "calibration_error",
            "molchan_curve",
            "reliability",
        ],
        "comparison": [
            "Interval",
            "Stability",
            "block_bootstrap",
            "bootstrap_score",
            "bootstrap_scores",
            "paired_gain",
            "stability",
            "sums_by_block",
            "time_blocks",
        ],
    },
)
