"""SIGKILLs of the host and restarts of mosquitto at random, at QoS 1 from readings to copies. --messages 20,000 --kills 10.

The broker restarts once for each ten kills, at least once, and keeps what it holds. What may come twice: what mosquitto has in
flight to a client, 20 messages, for each kill; for each restart the same for the host, the reader and the four publishers.
"""

import time

import support
from brokers import Mosquitto
from ledger import Ledger
from readings import TOPICS, Answers, Readings

IN_FLIGHT = 20
AGENT = """
local agent = agenthost.realtime_agent { name = "copier" }
agent:on_message("readings/+", function(data, message)
  agent:send_mqtt("copies/" .. message.topic:match("%d+$"), { n = data.n })
end, { source = "mqtt" })
"""


def run(plan):
    messages, kills = plan.messages(20_000, 4_000), plan.kills(10, 3)
    restarts = max(1, kills // 10)
    faults = [("kill", mark) for mark in _marks(plan, messages, kills)] + [
        ("restart", mark) for mark in _marks(plan, messages, restarts)]
    faults.sort(key=lambda fault: fault[1])
    (plan.folder / "agent.lua").write_text(AGENT)
    ledger = Ledger()
    with Mosquitto(plan.folder) as broker, Answers(broker.port, ledger) as answers:
        environment = {
            "MQTT_HOST": "127.0.0.1", "MQTT_PORT": str(broker.port), "MQTT_CLIENT_ID": "soak", "LOG_LEVEL": "ERROR"}

        def start():
            return support.Host({}, agents=["agent.lua"], environment=environment, folder=plan.folder)

        # The session is there before the first message.
        running = start()
        support.until(lambda: running.health()["status"] == "healthy", "subscribed", 30)
        rate = max(500, messages / (2 * (kills + restarts + 1)))
        with Readings(broker.port, ledger, rate, count=messages) as readings:
            done, before, deadline = 0, 0, time.monotonic() + 120 + 10 * kills + messages / 200
            while (ledger.in_count < messages or ledger.lost) and time.monotonic() < deadline:
                time.sleep(0.01)
                plan.progress(f"{ledger.figures}  faults {done} of {len(faults)}")
                if done == len(faults) or ledger.different <= before or ledger.different < faults[done][1]:
                    continue
                time.sleep(plan.random.uniform(0, 0.5))
                before = ledger.different
                if faults[done][0] == "kill":
                    running.kill()
                    running = start()
                else:
                    broker.restart()
                done += 1
            readings.stop()
        support.until(lambda: not ledger.lost or time.monotonic() - answers.last > 20, "the rest", 60)
        code = running.stop()
    most = kills * IN_FLIGHT + restarts * IN_FLIGHT * (2 + TOPICS)
    name = f"{kills} kills, {restarts} restarts of the broker: "
    plan.promise(name + "all faults were made", done == len(faults), f"{done} of {len(faults)}")
    plan.promise(name + "nothing is lost", ledger.lost == 0, ledger.figures)
    plan.promise(name + "every topic stays in order", ledger.disordered == 0)
    plan.promise(name + "no more comes twice than was in flight", ledger.twice <= most, f"{ledger.twice:,} of at most {most:,}")
    plan.promise(name + "it stops cleanly at the end", code == 0, f"exit code {code}")


def _marks(plan, messages, count):
    """After how many messages."""
    return [plan.random.randrange(messages // 50, messages * 9 // 10) for _ in range(count)]
