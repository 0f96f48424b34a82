"""Making encoders: trunks, vocabularies, training. Needs the extra `train`; never imported to serve."""
