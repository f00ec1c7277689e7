"""The question of pmap: what is mapped into a process, and what does it cost?"""
