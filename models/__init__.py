"""Text to numbers: normal forms, Siamese encoders, their model directories. Knows nothing of FAQs."""

import os

# onnxruntime reports usage to its maker from the moment it is imported; nothing here talks to anybody unasked.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
