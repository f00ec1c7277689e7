"""The tables of a recording. What each of them means for readers of other programs is in docs/recordings.md."""

from __future__ import annotations

FORMAT = 1
APPLICATION_ID = 0x706D7472  # "pmtr", at offset 68 of the file: PRAGMA application_id
MACHINE, GROUP, PROCESS = 0, 1, 2  # kinds of places
BLOCK = 256  # samples whose figures stand together, once they are all there
KEY = 64  # samples after which all places are listed anew

TABLES = {
    # host, machine, tool, page_size, every_s, dictionary ...: what holds of the whole
    "about": "CREATE TABLE about (key TEXT PRIMARY KEY, value) WITHOUT ROWID",
    "boot": "CREATE TABLE boot (id INTEGER PRIMARY KEY, boot_id TEXT)",
    "user": "CREATE TABLE user (uid INTEGER PRIMARY KEY, name TEXT)",
    # Texts from first_text on are this sample's, up to the next one's; cpu_us is since the sample before.
    "sample": (
        "CREATE TABLE sample (number INTEGER PRIMARY KEY, taken_ms INTEGER, boottime_ms INTEGER, boot INTEGER, "
        "utc_offset_s INTEGER, first_text INTEGER, cpu_us INTEGER)"
    ),
    # where texts come from: a file of the machine, the files of a group, those of a process. Gone after sample last.
    "place": (
        "CREATE TABLE place (id INTEGER PRIMARY KEY, kind INTEGER, path BLOB, first INTEGER, last INTEGER, "
        "boot INTEGER, starttime_ticks INTEGER, uid INTEGER, name BLOB, command BLOB, cgroup BLOB)"
    ),
    # a text that a place had from a sample on; packed with the dictionary, or with the text `base`; NULL: none any more
    "text": "CREATE TABLE text (id INTEGER PRIMARY KEY, place INTEGER, base INTEGER, size INTEGER, packed BLOB)",
    # the text of every place at a sample
    "state": "CREATE TABLE state (number INTEGER PRIMARY KEY, packed BLOB)",
    # figures of places by sample: of those that changed in a sample, then of each place for a whole block
    "fresh": "CREATE TABLE fresh (number INTEGER PRIMARY KEY, packed BLOB)",
    "course": "CREATE TABLE course (id INTEGER PRIMARY KEY, place INTEGER, packed BLOB)",
}
COLUMNS = {
    name: frozenset(word.split()[0] for word in sql.partition("(")[2].rpartition(")")[0].split(", "))
    for name, sql in TABLES.items()
}
COURSE_SHIFT = 20  # an id of course is the first sample of its block, shifted so far, and a number within the block
