"""Entries to a version: reading FAQ files, embedding, FAISS, the data home and what is published in it."""
