"""Why was a process killed: reports of the OOM killer, weighed again."""
