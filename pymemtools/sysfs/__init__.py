"""Parsers of the kernel's files below /sys, one module each: text in, records out."""
