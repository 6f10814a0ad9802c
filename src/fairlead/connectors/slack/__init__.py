"""Slack's Web API, as where a firm's people talk."""
