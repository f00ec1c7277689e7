"""One self-contained HTML file about a machine: nothing is loaded, and nothing but its own script may run."""
