"""How far to believe this kernel, and our models of it: what two of its figures, or one and a rule, say alike."""
