"""Whom would the kernel kill next, and what would change that?"""
