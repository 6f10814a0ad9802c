"""Mail over SMTP, as any mail server takes it."""
