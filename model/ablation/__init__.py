"""The ablation suite: variants, their comparison, and what they tell."""
