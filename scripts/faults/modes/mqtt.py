"""SIGKILL of the host and restarts of the broker while messages go from MQTT through Lua to MQTT, at QoS 1. --messages 20,000.

--kills 10, and five restarts of mosquitto, which is stopped with SIGTERM and so keeps what it has acknowledged.
"""

import time

import support
from brokers import Mosquitto
from ledger import Ledger
from readings import TOPICS, Answers, Readings

AGENT = """
local agent = agenthost.realtime_agent { name = "copier" }
agent:on_message("readings/+", function(data, message)
  agent:send_mqtt("copies/" .. message.topic:match("%d+$"), { n = data.n })
end, { source = "mqtt" })
"""
# What the host takes at a time before it acknowledges (SettlementGate.batchLimit). The broker's own bound of 20
# (max_inflight_messages) does not hold: at the first acknowledgement mosquitto 2.0.11 sends all that is queued.
BATCH = 512
KILL, RESTART = "kill", "restart"


def run(plan):
    messages, kills, restarts = plan.messages(20_000, 3_000), plan.kills(10, 2), 1 if plan.is_quick else 5
    (plan.folder / "agent.lua").write_text(AGENT)
    faults = [KILL] * kills + [RESTART] * restarts
    plan.random.shuffle(faults)
    marks = sorted(plan.random.randrange(messages // 50, messages * 9 // 10) for _ in faults)
    # Slow enough that the faults fall into the flow.
    rate = max(300, messages / (3 * (len(faults) + 1)))
    with Mosquitto(plan.folder) as broker:
        environment = {"MQTT_HOST": "127.0.0.1", "MQTT_PORT": str(broker.port), "MQTT_CLIENT_ID": "soak", "LOG_LEVEL": "WARNING"}

        def start():
            return support.Host({}, agents=["agent.lua"], environment=environment, folder=plan.folder)

        ledger, host = Ledger(), start()
        with Answers(broker.port, ledger) as answers, Readings(broker.port, ledger, rate) as readings:
            for number, (mark, fault) in enumerate(zip(marks, faults)):
                before = ledger.different
                support.until(lambda: ledger.different > before and ledger.different >= mark, f"it goes on before {fault}", 120)
                time.sleep(plan.random.uniform(0, 1))
                plan.progress(f"{number + 1}/{len(faults)} {fault}  {ledger.figures}")
                if fault == KILL:
                    host.kill()
                    host = start()
                else:
                    broker.restart()
            support.until(lambda: ledger.in_count >= messages, "all are put in", 60 + messages / rate)
            readings.stop()
            support.until(lambda: ledger.lost == 0 or time.monotonic() - answers.last > 30, "the rest", 120)
        code = host.stop()
    plan.promise(f"{kills} kills, {restarts} restarts of the broker: nothing is lost", ledger.lost == 0, ledger.figures)
    plan.promise("every topic stays in order", ledger.disordered == 0)
    # At a restart: what the host had, what it had sent on, what the reader had, and one of each publisher.
    plan.promise("what comes twice was under way: at most 512 messages a kill, three times that a restart",
                 ledger.twice <= kills * BATCH + restarts * (3 * BATCH + TOPICS), f"{ledger.twice:,} twice")
    plan.promise("it stops cleanly at the end", code == 0, f"exit code {code}")
