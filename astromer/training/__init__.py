"""Objectives, pretraining, finetuning, classification, and how an interrupted job resumes."""
