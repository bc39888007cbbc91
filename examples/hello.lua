-- The smallest useful agent: one task, answered over HTTP.
--
--   agenthost run examples/hello.lua
--   curl localhost:8080/hello -H 'Content-Type: application/json' -d '{"query": "Ada"}'

local agent = agenthost.agent {
  name = "hello",
  description = "Greets whoever asks",
  endpoints = { { path = "/hello", task_type = "hello" } },
}

-- What a Python agent would define as `async def _hello(self, payload)`.
agent:task("hello", function(task)
  return { message = "Hello, " .. task.query .. "!" }
end)
