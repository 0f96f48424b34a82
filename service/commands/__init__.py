"""What the commands of `faqmatch` do; `service/cli.py` holds their options."""
