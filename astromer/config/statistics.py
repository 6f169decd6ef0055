"""Names of the statistics of light curves, and classes of periods: the targets of the summary objective."""

MAGNITUDE_STATISTICS = (
    *("std", "mad", "half_range", "iqr", "skew", "kurtosis", "stetson_k", "beyond_1_std", "beyond_2_std"),
    *("p5", "p25", "p75", "p95", "asymmetry", "range_ratio"),
)
PERIOD_STATISTICS = (
    *("log_period", "log_snr", "eta", "eta_folded", "eta_folded_twice", "trend"),
    *("log_amplitude", "r21", "r31", "r41", "cos_phi21", "sin_phi21", "cos_phi31", "sin_phi31", "residual"),
)
STATISTICS = (*MAGNITUDE_STATISTICS, *PERIOD_STATISTICS)

PERIOD_CLASSES = 48
PERIOD_BOUNDS_DAYS = (0.05, 3000.0)

WRONG_PERIOD_FACTOR = 1.01  # of the control `wrong_period`, for features and encoders alike
