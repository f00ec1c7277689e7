"""Who has transparent huge pages, and why not?"""
