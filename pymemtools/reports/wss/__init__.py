"""How much of its memory does a process use?"""
