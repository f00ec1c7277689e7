"""The only room that changes a machine. What can this tool change? The modules here, and no other."""
