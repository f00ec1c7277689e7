"""Measured cases of what kernels and C libraries do, and what runs them through the models.

``python -m tests.testpoints FILE`` runs any file of the same schema: id, model, source, kernel, inputs, expected,
tolerance (absolute, in the unit of what is expected; null where intervals are given) and a note. Pages are 4 KiB.
"""
