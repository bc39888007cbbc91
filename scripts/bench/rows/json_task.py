"""The JSON task that several rows have: a body of some 120 bytes, a decision, an answer with what the contract has of it."""

AGENT = """
local agent = agenthost.agent { name = "bench-json", endpoints = { { path = "/analyze", task_type = "analyze" } } }
agent:task("analyze", function(task)
  local p = task.parameters
  local high = p.systolic > 140 or p.diastolic > 90
  return { patient_id = p.patient_id, risk = high and "high" or "normal", mean = (p.systolic + 2 * p.diastolic) / 3 }
end)
"""
PATH = "/analyze"
BODY = '{"query":"analyze this","parameters":{"patient_id":"p-12345","systolic":150,"diastolic":95,"heart_rate":72}}'


def check(bench, port):
    """That a server does the task, before anything is measured of it."""
    import http.client
    import json

    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("POST", PATH, BODY, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    assert answer.status == 200, f"status {answer.status}: {body[:300]!r}"
    result = json.loads(body)["result"]
    assert result["risk"] == "high" and abs(result["mean"] - 340 / 3) < 1e-9, f"another answer: {body[:300]!r}"
