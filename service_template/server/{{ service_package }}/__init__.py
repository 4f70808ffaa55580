"""The application: what this service is there for."""
