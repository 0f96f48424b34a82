"""Text to numbers: normal forms, Siamese encoders, their model directories. Knows nothing of FAQs."""
