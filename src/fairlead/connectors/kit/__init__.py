"""What all connectors share: the declaration, the HTTP client, the mapping, sign-in."""
