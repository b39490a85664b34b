"""EmoNet in PyTorch: strings and arrays in, logits out."""
