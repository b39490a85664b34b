"""Pretrained encoders: references by name and sha256, and how they are fetched."""
