"""Records Tiledesk chats: WebSocket, journal, Parquet archive."""
