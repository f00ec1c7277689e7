"""What is each tunable set to, what does that mean on this machine, and what would another value do?"""
