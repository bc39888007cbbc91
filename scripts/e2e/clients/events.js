// Stream real-time events
const eventSource = new EventSource('/stream/events');
eventSource.onmessage = (event) => {
    const data = JSON.parse(event.data);
    console.log('Real-time update:', data);
};

// Stream specific topics
const topicStream = new EventSource('/stream/topic/health_data');
