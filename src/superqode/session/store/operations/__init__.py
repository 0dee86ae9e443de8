"""The operation log: what moved or removed something in a store, written down so that it can be taken back.

| module | what it knows |
|---|---|
| `log` | the chain of commits: read, extended, rewritten |
| `recording` | how an operation gets into it |
| `working_out` | what one did, without what others saved meanwhile |
| `taking_back` | what taking one back does, and what stands in its way |
| `forgetting` | how what was purged or scrubbed goes out of it, and what is old |
"""
