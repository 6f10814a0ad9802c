"""BambooHR as a firm's HR system. It only reads."""
