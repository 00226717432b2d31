"""The gateway: sessions, connections and who receives which event."""
