r"""Kernel text to records: one module per file of /proc, no input or output of its own.

Fit to be used as a library: take ``parse_FILE`` from the module named after the file, and give it the file's bytes.

>>> from pymemtools.procfs.smaps.records import parse_smaps
>>> text = b"00400000-00401000 r-xp 00000000 fe:00 18   /bin/x\nRss:     4 kB\nPss:     2 kB\n"
>>> [(vma.mapping.name, vma.fields["Pss"]) for vma in parse_smaps(text)]
[(b'/bin/x', 2048)]

Sizes are in bytes; names are as the kernel wrote them. What a kernel does not tell is absent or None, never 0. Text
that is not what it should be raises ``pymemtools.errors.ParseError``, which names file and line. For the smaps of
processes with very many mappings there are ``smaps.tally.Tally`` (sums) and ``smaps.table.SmapsReader`` (columns),
which are fed in pieces.

Nothing is imported here: who wants meminfo shall not wait for smaps.
"""
