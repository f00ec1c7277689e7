"""The text of pmap: the layouts of procps, the wide table, and what explains them."""
