"""What can be wrong with the machine, the setup and the data folder: a check each, for `faqmatch doctor`."""
