"""The settings, one module per component. ``config/environments/`` puts them together."""
