"""Fan-out with socketify: a message for each POST to /publish goes, in the envelope of agenthost, to every WebSocket of /ws/…

    socketify_app.py PORT

The message is made here, with the time in the header X-At: socketify 0.0.31 crashes now and then when it reads bodies under load.
"""

import json
import sys
import uuid
from datetime import datetime, timezone

from socketify import App, AppListenOptions, OpCode

app = App()


TEXT = "What a sensor said, or somebody who typed; it is as long as such things often are."


def publish(response, request):
    data = {"at": int(request.get_header("x-at")), "text": TEXT}
    now = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    envelope = {
        "message_id": str(uuid.uuid4()), "message_type": "topic_message", "payload": {"topic": "fan", "data": data},
        "timestamp": now, "correlation_id": None, "response_to": None}
    app.publish("fan", json.dumps(envelope, separators=(",", ":")), OpCode.TEXT)
    response.end('{"status":"sent","topic":"fan"}')


# As agenthost: a client may be 1 MiB behind, and a silent one is asked whether it is still there.
app.ws("/ws/*", {
    "open": lambda socket: socket.subscribe("fan"), "idle_timeout": 60, "max_backpressure": 1 << 20,
    "send_pings_automatically": True})
app.post("/publish", publish)
app.listen(AppListenOptions(port=int(sys.argv[1]), host="127.0.0.1"), lambda _: print("listening", flush=True))
app.run()
