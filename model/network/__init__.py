"""The network: encoders, masks, the speaker encoder, and EmoNet over them."""
