"""Exit statuses, the same in every command."""

DONE = 0
FAILED = 1
"""Something failed, or got worse."""
REFUSED = 2
"""The input was refused."""
NOT_COMPARABLE = 3
"""The difference of the two would mean nothing."""
INTERRUPTED = 130
TERMINATED = 143
"""By SIGTERM."""
SKIP = 125
"""To `git bisect run`: nothing can be said of this revision."""
STOP = 128
"""To `git bisect run`: stop searching."""
