"""Scores, embeddings and analyses of trained models."""
