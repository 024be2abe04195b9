"""Commands of the composition root: what spans several apps."""
