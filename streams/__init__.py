"""Events in: the Faust app and its agents, the state in Redis, dead letters, replay, and the local broker and store."""
