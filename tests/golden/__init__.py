"""The golden corpus: what every command prints of frozen sources, in every mode and format, byte for byte."""
