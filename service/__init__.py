"""One query to one decision: the matcher, its HTTP service and the command line."""
