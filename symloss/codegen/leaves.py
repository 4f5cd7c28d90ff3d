"""What formulas in their accurate forms may read beside ``y_pred``."""

from symloss.formula import Formula

Q = Formula("q")
LOG_P = Formula("log_p")
LOG_Q = Formula("log_q")
LOG_ODDS = Formula("log_odds")
#: The logarithms of p and 1 - p kept above zero: their negative exponentials are finite, as 1/p is.
NEAR_LOG_P = Formula("near_log_p")
NEAR_LOG_Q = Formula("near_log_q")
