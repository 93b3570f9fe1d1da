"""DP-SGD: Poisson batches, sums of clipped per-example gradients, and Gaussian noise."""
