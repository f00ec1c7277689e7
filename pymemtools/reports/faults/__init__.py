"""How much memory is fetched, searched and taken back, a second."""
