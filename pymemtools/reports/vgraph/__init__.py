"""The question of vgraph: what lies where in the address space of a process?"""
