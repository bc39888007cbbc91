@pytest.mark.asyncio
async def test_websocket_integration():
    # Test WebSocket functionality
    from fastapi.testclient import TestClient
    from agent_common import create_realtime_agent_app
    
    app = create_realtime_agent_app(MyRealtimeAgent, ...)
    client = TestClient(app)
    
    with client.websocket_connect("/ws") as websocket:
        # Test subscription
        websocket.send_json({
            "message_type": "subscribe",
            "payload": {"topic": "test"}
        })
        
        response = websocket.receive_json()
        assert response["message_type"] == "subscription_confirmed"
