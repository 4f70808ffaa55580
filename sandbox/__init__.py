"""AWS's control plane on one machine: moto's server and what it lacks (docs/sandbox.md)."""
