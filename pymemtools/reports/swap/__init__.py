"""Who is swapped out, to where, and what it would take to bring it back?"""
