"""Captures of many machines as one dataset of Parquet files, and the questions that an existing engine answers of it.

There is no scheduler, no server and no format of our own: batches of captures become files, DuckDB reads them, and so
does any engine that knows Parquet. See docs/fleet.md. pyarrow, duckdb and distributed are loaded by nothing else.
"""
