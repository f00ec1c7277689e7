"""Paper: columns, tables, JSON, bars. Nothing here sees a source or a flag."""
