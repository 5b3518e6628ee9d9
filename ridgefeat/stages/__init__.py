"""Image -> ridge structure: pure functions on arrays; one stage a module, its parameters beside it."""
