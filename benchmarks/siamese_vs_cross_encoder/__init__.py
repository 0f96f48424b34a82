"""`siamese_vs_cross_encoder`: what a query costs, and what it finds, by each way to match two questions."""
