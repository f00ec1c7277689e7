"""What the numbers of smaps mean, by the kernel's names. Source: Documentation/filesystems/proc.rst."""

import re

SMAPS_FIELDS = {
    "Size": "length of the address range, touched or not",
    "KernelPageSize": "size of the pages the kernel works with here",
    "MMUPageSize": "size of the pages the processor works with here",
    "Rss": "resident: pages in RAM, shared ones counted in full; no hugetlbfs pages",
    "Pss": "resident, each page divided by the number of its mappings",
    "Pss_Dirty": "the dirty part of Pss",
    "Pss_Anon": "the anonymous part of Pss",
    "Pss_File": "the part of Pss that is files'",
    "Pss_Shmem": "the part of Pss that is shared memory and tmpfs",
    "Shared_Clean": "resident, mapped more than once, not written to",
    "Shared_Dirty": "resident, mapped more than once, written to",
    "Private_Clean": "resident, mapped once, not written to",
    "Private_Dirty": "resident, mapped once, written to: freed if the process ends",
    "Referenced": "marked as used lately",
    "Anonymous": "pages that are no file's, private copies of file pages included",
    "KSM": "pages that KSM merged with equal ones",
    "LazyFree": "given up by MADV_FREE, and freed when memory is short",
    "AnonHugePages": "in transparent huge pages, anonymous",
    "ShmemPmdMapped": "in transparent huge pages, shared memory and tmpfs",
    "FilePmdMapped": "in transparent huge pages, of files",
    "Shared_Hugetlb": "hugetlbfs pages mapped more than once; not in Rss",
    "Private_Hugetlb": "hugetlbfs pages mapped once; not in Rss",
    "Swap": "anonymous memory in swap space",
    "SwapPss": "the same, divided by the number of its users",
    "Locked": "the part of Pss that mlock keeps in RAM",
    "THPeligible": "1 where the kernel may use transparent huge pages",
    "ProtectionKey": "the memory protection key of the range (x86, arm64)",
}
_WORDS = r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])"
_ODD = {"THPeligible": "thp_eligible"}


def key_of(field: str) -> str:
    """Write a kernel's name of a figure as the key that reports have, also one that came after this was written.

    >>> key_of("Shared_Clean"), key_of("MMUPageSize"), key_of("FooPss"), key_of("KSM")
    ('shared_clean', 'mmu_page_size', 'foo_pss', 'ksm')
    """
    return _ODD.get(field) or re.sub(_WORDS, "_", field).lower()
