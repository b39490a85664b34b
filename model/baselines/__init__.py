"""Published models that EmoNet is compared with."""
