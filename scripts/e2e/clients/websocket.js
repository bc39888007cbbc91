// Connect to WebSocket
const ws = new WebSocket('ws://localhost:8080/ws');

// Subscribe to topics
ws.send(JSON.stringify({
    message_type: "subscribe",
    payload: { topic: "health_events" }
}));

// Send agent request
ws.send(JSON.stringify({
    message_type: "agent_request",
    payload: {
        query: "Analyze this health data",
        task_type: "analyze_health",
        parameters: { patient_id: "12345" }
    }
}));

// Handle responses
ws.onmessage = (event) => {
    const message = JSON.parse(event.data);
    console.log(`Received: ${message.message_type}`, message.payload);
};
