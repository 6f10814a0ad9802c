"""A connector for a made-up HR system: see how-to-connector.md."""
