"""The pages: server-rendered, one transaction a request; they decide nothing."""
