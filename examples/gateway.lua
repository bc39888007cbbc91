-- Kafka topics to WebSocket and Server-Sent Events, without a line of code: a message on a topic that has no handler
-- becomes a data_processed event with {"topic", "message", "partition", "offset"}, and every client of /ws and of
-- /stream/events gets it.
--
--   agenthost run examples/gateway.lua
--
-- STREAMING_TOPICS=orders,payments in the environment takes the place of the list below.

agenthost.realtime_agent {
  name = "gateway",
  description = "Shows Kafka topics to web pages",
  config = {
    streaming_topics = { "sensor_readings", "orders" },
  },
}
