"""The rows, in the order in which they run and stand in the table. Each module has `run(bench)`, which yields what it has
found out as soon as it has; its docstring says on the results page what was measured."""

ROWS = ["http", "fanout", "kafka", "mqtt", "bridge", "fastapi", "aiokafka", "start", "reload", "sockets", "scaling"]
