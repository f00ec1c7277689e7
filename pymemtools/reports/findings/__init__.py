"""What a page about a machine says first: conditions over its answers, each with figure, rule and advice."""
