"""What does the merging of equal pages save, and what would it save?"""
