local test = agenthost.test
local host = test.load "hello.lua"

test("whoever asks is greeted", function()
  local status, answer = host:request { path = "/hello", json = { query = "Ada" } }
  test.equal(status, 200)
  test.equal(answer.result, { message = "Hello, Ada!" })
end)

test("a request without a query is refused, and told why", function()
  local status, answer = host:request { path = "/hello", json = {} }
  test.equal(status, 422)
  test.equal(answer.detail[1].loc, { "body", "query" })
end)

test("the task can be called without HTTP", function()
  test.equal(host:task("hello", { query = "Grace" }), { message = "Hello, Grace!" })
end)
