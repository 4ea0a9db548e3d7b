"""What is not yet so: commission of open deals, and of changed plans. Calculated by the real models in a warehouse of its own."""
