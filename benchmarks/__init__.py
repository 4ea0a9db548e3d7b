"""The speed of the calculation, measured against hand-written SQL over the same synthetic company."""
