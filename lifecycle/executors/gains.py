"""Which way a metric is better, and by how much: for whoever reads records and computes nothing."""

LOWER_IS_BETTER = frozenset({"log_loss", "brier", "calibration_gap", "mae", "rmse", "mape"})


def higher_is_better(name: str) -> bool:
    """Whether a larger value of the metric is the better one."""
    return name not in LOWER_IS_BETTER and not name.startswith("infeasible_rate")


def gain(name: str, value: float | None, baseline: float | None) -> float | None:
    """By how much `value` is better than `baseline`; negative when worse."""
    if value is None or baseline is None:
        return None
    return value - baseline if higher_is_better(name) else baseline - value
