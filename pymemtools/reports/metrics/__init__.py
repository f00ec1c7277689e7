"""Figures of a machine for those who collect them: few series, of names that stay."""
