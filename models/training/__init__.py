"""Making encoders: pretrained trunks, their vocabularies, training. Needs the extra `train`; never imported to serve."""
